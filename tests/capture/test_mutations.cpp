// SPDX-License-Identifier: GPL-3.0-or-later
// Captures with octets changed at random, and cut after every octet: each is read, indexed, dissected, analysed and written again
// in a thread with a small stack. Nothing may crash, hang or break what holds for any file. ROAMSCOPE_MUTANTS sets how many (the
// default is a few thousand), ROAMSCOPE_MUTANT_SEED where to start; many need QTEST_FUNCTION_TIMEOUT (milliseconds) as well.
#include "capture/analysis/analyzer.hpp"
#include "capture/foreign.hpp"
#include "protocol/wire/summary.hpp"
#include "tests/support/capture_checks.hpp"
#include "tests/support/narrow_thread.hpp"
#include "tests/support/test_inputs.hpp"

#include <QDirIterator>
#include <QtTest>
#include <random>
#include <time.h>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

constexpr double rates[] = {0.002, 0.02, 0.1};
constexpr qint64 mostMilliseconds = 10'000;  // of processor time, for one file

struct Seed {
    QString name;
    Bytes octets;
};

Bytes contents(const QString& path)
{
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) return {};
    const QByteArray all = file.readAll();
    return Bytes(all.begin(), all.end());
}

/// Captures of the tests, of the fuzzers and, where they are present, the shared ones.
std::vector<Seed> seeds()
{
    std::vector<Seed> out;
    QStringList folders{QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data"), QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/fuzz/corpus/pcap"),
                        QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/fuzz/corpus/pcapng")};
    if (const QString shared = test::sharedFolder(); !shared.isEmpty()) folders << shared + "/captures";
    for (const QString& folder : folders) {
        QStringList paths;
        for (QDirIterator it(folder, QDir::Files, QDirIterator::Subdirectories); it.hasNext();) paths << it.next();
        paths.sort();  // the same mutants everywhere
        for (const QString& path : paths)
            if (path.contains("cap") && !path.endsWith(".py") && !path.endsWith(".json") && !path.endsWith(".md"))
                if (Bytes octets = contents(path); !octets.empty()) out.push_back({path, std::move(octets)});
    }
    return out;
}

/// Processor time of this thread: a busy machine is no fault of the file.
qint64 spentMilliseconds()
{
    timespec spent{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return spent.tv_sec * 1000 + spent.tv_nsec / 1'000'000;
}

std::uint64_t number(const char* variable, std::uint64_t otherwise)
{
    bool ok = false;
    const auto value = qEnvironmentVariable(variable).toULongLong(&ok);
    return ok ? value : otherwise;
}

/// What is wrong with the file or with a frame of it; empty when all holds.
std::string faultOf(Bytes octets)
{
    const test::ReadCapture read = test::readCapture(std::move(octets));
    if (!read.fault.empty()) return read.fault;
    const TraceSnapshot trace = read.trace.snapshot();
    analysis::Analyzer analyzer;
    for (std::size_t i = 0; i < trace.size(); ++i) {
        const FrameView frame = trace.frame(i);
        const TraceLink& link = trace.links()[frame.link];
        const wire::DecodedFrame decoded = wire::decodeFrame(frame.bytes, link.linkType, frame.originalLength);
        if (decoded.undecodedOffset > frame.bytes.size()) return "undecoded octets outside the frame";
        (void)describeForeign(frame.bytes, decoded);
        const wire::Dissection dissection = wire::dissect(frame.bytes, link.linkType, frame.originalLength);
        if (dissection.summary.protocol.empty()) return "a frame without protocol";
        if (dissection.nodes.size() > wire::FieldSink::maxNodes + 1) return "more lines than the limit";
        analyzer.add(static_cast<analysis::FrameIndex>(i), frame, link);
    }
    if (!analyzer.result()) return "no result of the analysis";
    return test::rewriteFault(read);
}

class Mutator {
public:
    explicit Mutator(std::uint64_t seed) : random_(seed) {}

    /// About `rate` of the octets get another value, which the generator draws or which likes to be a border.
    Bytes mutant(const Bytes& from, double rate)
    {
        static constexpr std::uint8_t borders[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
        Bytes out = from;
        std::geometric_distribution<std::size_t> gap(rate);
        for (std::size_t at = gap(random_); at < out.size(); at += gap(random_) + 1)
            out[at] = random_() % 4 == 0 ? borders[random_() % std::size(borders)] : static_cast<std::uint8_t>(random_());
        if (random_() % 8 == 0 && !out.empty()) out.resize(random_() % out.size());
        return out;
    }
    std::uint64_t next() { return random_(); }

private:
    std::mt19937_64 random_;
};

}  // namespace

class TestMutations : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyCaptureAsItIs()
    {
        QString fault;
        const bool ran = test::runNarrow([&] {
            for (const Seed& seed : seeds())
                if (const std::string found = faultOf(seed.octets); !found.empty()) fault = seed.name + ": " + QString::fromStdString(found);
        });
        QVERIFY(ran);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
    }

    void mutantsOfEveryCapture()
    {
        const std::vector<Seed> all = seeds();
        QVERIFY(all.size() > 100);
        const std::uint64_t count = number("ROAMSCOPE_MUTANTS", 5'000);
        const std::uint64_t first = number("ROAMSCOPE_MUTANT_SEED", 1);
        QString fault;
        qint64 slowest = 0;
        const bool ran = test::runNarrow([&] {
            for (std::uint64_t i = 0; i < count && fault.isEmpty(); ++i) {
                // Each mutant has a seed of its own: ROAMSCOPE_MUTANTS=1 ROAMSCOPE_MUTANT_SEED=n makes the n-th again.
                Mutator mutator(first + i);
                const Seed& seed = all[mutator.next() % all.size()];
                const qint64 begun = spentMilliseconds();
                const std::string found = faultOf(mutator.mutant(seed.octets, rates[mutator.next() % std::size(rates)]));
                const qint64 spent = spentMilliseconds() - begun;
                slowest = std::max(slowest, spent);
                if (!found.empty()) fault = QString("seed %1, %2: %3").arg(first + i).arg(seed.name, QString::fromStdString(found));
                if (spent > mostMilliseconds) fault = QString("seed %1, %2: %3 ms").arg(first + i).arg(seed.name).arg(spent);
            }
        });
        QVERIFY(ran);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
        qInfo("%llu mutants of %zu captures, the slowest took %lld ms", static_cast<unsigned long long>(count), all.size(), static_cast<long long>(slowest));
    }

    void everyLengthOfEverySmallCapture()
    {
        QString fault;
        std::size_t lengths = 0;
        const bool ran = test::runNarrow([&] {
            for (const Seed& seed : seeds()) {
                // What kind of patched pcap a file is hangs on what follows, so more octets may mean fewer frames there.
                if (seed.octets.size() > 1500 || seed.name.contains("/fuzz/") || seed.name.contains("patched")) continue;
                std::size_t frames = 0;
                for (std::size_t n = 0; n <= seed.octets.size() && fault.isEmpty(); ++n, ++lengths) {
                    const test::ReadCapture read = test::readCapture(Bytes(seed.octets.begin(), seed.octets.begin() + static_cast<std::ptrdiff_t>(n)));
                    if (!read.fault.empty() || read.utc.size() < frames) fault = QString("%1, %2 octets: %3").arg(seed.name).arg(n).arg(QString::fromStdString(read.fault));
                    frames = std::max(frames, read.utc.size());
                }
            }
        });
        QVERIFY(ran);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
        QVERIFY(lengths > 10'000);
    }

    void everyLengthOfEveryVector()
    {
        QString fault;
        std::size_t lengths = 0;
        const bool ran = test::runNarrow([&] {
            for (const test::InputFrame& vector : test::goldenPackets()) {
                for (std::size_t n = 0; n <= vector.bytes.size() && fault.isEmpty(); ++n, ++lengths) {
                    // Cut by the capture, and really that short.
                    const ByteView octets = ByteView(vector.bytes).first(n);
                    for (const std::size_t original : {vector.bytes.size(), n}) {
                        const wire::Dissection d = wire::dissect(octets, vector.linkType, original);
                        if (d.summary.protocol.empty()) fault = QString("%1, %2 octets").arg(vector.name).arg(n);
                    }
                }
            }
        });
        QVERIFY(ran);
        QVERIFY2(fault.isEmpty(), qPrintable(fault));
        QVERIFY(lengths > 1'000);
    }
};

QTEST_GUILESS_MAIN(TestMutations)
#include "test_mutations.moc"
