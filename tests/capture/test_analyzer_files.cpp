// SPDX-License-Identifier: GPL-3.0-or-later
// Analysis of captures that others made (UMIP 0.4), of captures put together out of order, and of garbage.
#include "tests/support/frame_builder.hpp"

#include "protocol/base/random.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;

namespace {

QString umip(const char* name)
{
    const QString given = qEnvironmentVariable("ROAMSCOPE_SHARED");
    const QString base = given.isEmpty() ? QStringLiteral(ROAMSCOPE_SOURCE_DIR "/../shared") : given;
    return base + QStringLiteral("/captures/umip/") + QLatin1String(name);
}

/// Classic pcap in little-endian order, which is what the daemon's captures are. Times are since the epoch of the capture set.
std::vector<CapturedFrame> readPcap(const QString& path, std::uint32_t link)
{
    std::vector<CapturedFrame> frames;
    QFile file(path);
    if (!file.open(QIODevice::ReadOnly)) return frames;
    const QByteArray raw = file.readAll();
    const auto u32 = [&](qsizetype i) {
        std::uint32_t v = 0;
        for (int k = 3; k >= 0; --k) v = v << 8 | static_cast<std::uint8_t>(raw[i + k]);
        return v;
    };
    if (raw.size() < 24) return frames;
    const Duration unit = u32(0) == 0xa1b23c4du ? Duration{1} : Duration{1000};
    for (qsizetype i = 24; i + 16 <= raw.size();) {
        const auto length = static_cast<qsizetype>(u32(i + 8));
        if (i + 16 + length > raw.size()) break;
        const Bytes bytes(raw.begin() + i + 16, raw.begin() + i + 16 + length);
        frames.push_back({at(std::chrono::seconds{u32(i)} + u32(i + 4) * unit), link, bytes});
        i += 16 + length;
    }
    return frames;
}

}  // namespace

class TestAnalyzerFiles : public QObject {
    Q_OBJECT

    const Ipv6Address ha = ip("2001:db8:1::1"), mn = ip("2001:db8:1::100");

    /// What every view of the run must show: away in f1, away in f2, returned home.
    void checkRun(const Analysis& a)
    {
        QVERIFY(a.nodeOf(ha) && a.nodeOf(ha)->role == Role::HomeAgent);
        QVERIFY(a.nodeOf(mn) && a.nodeOf(mn)->role == Role::MobileNode);
        std::vector<Ipv6Address> careOf;
        for (const BindingInterval& b : a.bindings) {
            QVERIFY(b.owner == Role::HomeAgent && b.ownerAddress == ha && b.homeAddress == mn);
            if (careOf.empty() || careOf.back() != b.careOfAddress) careOf.push_back(b.careOfAddress);
        }
        QVERIFY(careOf == (std::vector<Ipv6Address>{ip("2001:db8:a1:0:fd:41ff:fe25:6636"), ip("2001:db8:a2:0:fd:41ff:fe25:6636")}));
        QVERIFY(a.bindings.back().to && a.bindings.back().end == Knowledge::Deleted);
        QVERIFY(a.bindingsAt(at(Duration::max() / 2)).empty());
        QCOMPARE(a.handovers.size(), std::size_t{3});
        QVERIFY(a.handovers[0].kind == HandoverKind::Initial);
        QVERIFY(a.handovers[1].kind == HandoverKind::Home);
        QVERIFY(a.handovers[2].kind == HandoverKind::ReturnHome);
    }

private Q_SLOTS:
    void umipSeenFromTheHomeLink()
    {
        Capture capture({"home"});
        capture.frames = readPcap(umip("basic-home.pcap"), 0);
        if (capture.frames.empty()) QSKIP("no UMIP captures: set ROAMSCOPE_SHARED to the folder that has captures/umip");
        const auto a = capture.analyze();
        checkRun(*a);
        QCOMPARE(a->handovers[2].toLink, std::string("home"));
        for (const TraceFinding& f : a->findings) qInfo() << f.frame + 1 << f.finding.rule.data() << f.finding.text.c_str();
        QVERIFY(a->findings.empty());
    }

    void umipSeenFromAllLinks()
    {
        Capture capture({"home", "f1", "f2", "cn"});
        const char* const names[] = {"basic-home.pcap", "basic-f1.pcap", "basic-f2.pcap", "basic-cn.pcap"};
        for (std::uint32_t link = 0; link < 4; ++link)
            for (CapturedFrame& f : readPcap(umip(names[link]), link)) capture.frames.push_back(std::move(f));
        if (capture.frames.empty()) QSKIP("no UMIP captures: set ROAMSCOPE_SHARED to the folder that has captures/umip");
        // One file behind the other, as they come: nothing breaks, the home agent's bindings are the same.
        const auto concatenated = capture.analyze();
        QVERIFY(concatenated->nodeOf(mn) && concatenated->nodeOf(mn)->role == Role::MobileNode);
        for (const BindingInterval& b : concatenated->bindings) QVERIFY(!b.to || *b.to >= b.from);
        for (const Handover& h : concatenated->handovers)
            for (const Phase& p : h.phases) QVERIFY(p.end >= p.start);

        capture.sort();
        const auto a = capture.analyze();
        checkRun(*a);
        const Handover& second = a->handovers[1];
        QCOMPARE(second.fromLink, std::string("f1"));
        QCOMPARE(second.toLink, std::string("f2"));
        QVERIFY(!second.phases.empty());
        for (const Handover& h : a->handovers) {
            qInfo("%s %s -> %s start %.6f interruption %.6f", handoverKindName(h.kind).data(), h.fromLink.c_str(), h.toLink.c_str(), toSeconds(h.start),
                  h.interruption ? toSeconds(*h.interruption) : -1.0);
            for (const Phase& p : h.phases) qInfo("   %s %.6f - %.6f", p.name.c_str(), toSeconds(p.start), toSeconds(p.end));
            for (std::size_t i = 1; i < h.phases.size(); ++i) QVERIFY(h.phases[i].start >= h.phases[i - 1].end);
        }
        QCOMPARE(a->handovers[2].toLink, std::string("home"));
        QVERIFY(a->findings.empty());
    }

    void routeOptimisationAtTheCorrespondent()
    {
        Capture capture({"cn"});
        capture.frames = readPcap(umip("ro-cn.pcap"), 0);
        if (capture.frames.empty()) QSKIP("no UMIP captures: set ROAMSCOPE_SHARED to the folder that has captures/umip");
        const auto a = capture.analyze();
        const NodeInfo* cn = a->nodeOf(ip("2001:db8:c::2"));
        QVERIFY(cn && cn->role == Role::Correspondent);
        QCOMPARE(a->bindings.size(), std::size_t{2});
        QVERIFY(a->bindings[0].owner == Role::Correspondent);
        QVERIFY(a->bindings[1].end == Knowledge::Deleted);
        QVERIFY(a->findings.empty());
    }

    void shuffledFramesDoNotBreakIt()
    {
        SampleNetwork net;
        const MobileSpec mobile;
        net.registerFirst(mobile);
        net.probes(mobile);
        net.moveToSecond(mobile);
        Random random(7);
        for (int round = 0; round < 20; ++round) {
            for (std::size_t i = net.frames.size(); i > 1; --i) std::swap(net.frames[i - 1], net.frames[random.next() % i]);
            const auto a = net.analyze();
            QCOMPARE(a->frames, net.frames.size());
            for (const BindingInterval& b : a->bindings) QVERIFY(!b.to || *b.to >= b.from);
            for (const Handover& h : a->handovers) {
                if (h.interruption) QVERIFY(*h.interruption >= Duration{0});
                for (const Phase& p : h.phases) QVERIFY(p.end >= p.start);
            }
        }
    }

    void mutatedFramesNeverBreakIt()
    {
        SampleNetwork net;
        const MobileSpec mobile;
        net.registerFirst(mobile);
        net.probes(mobile);
        net.moveToSecond(mobile);
        net.sort();
        Random random(1);
        Analyzer analyzer;
        const capture::TraceLink links[] = {{"a", 1}, {"b", wire::linkRawIpv6}};
        QElapsedTimer timer;
        timer.start();
        qint64 half = 0;
        for (std::uint32_t i = 0; i < 100000; ++i) {
            if (i == 50000) half = timer.elapsed();
            const CapturedFrame& valid = net.frames[random.next() % net.frames.size()];
            Bytes bytes = valid.bytes;
            const std::uint32_t changes = static_cast<std::uint32_t>(random.next() % 4);
            for (std::uint32_t k = 0; k < changes; ++k) bytes[random.next() % bytes.size()] = static_cast<std::uint8_t>(random.next());
            if (random.next() % 8 == 0) bytes.resize(random.next() % bytes.size());
            const bool raw = random.next() % 16 == 0;
            const auto length = static_cast<std::uint32_t>(bytes.size() + (random.next() % 8 == 0 ? 40 : 0));
            // One in 64 claims an absurd time, as a broken file would.
            const TimePoint time = random.next() % 64 == 0 ? atNanoseconds(static_cast<std::int64_t>(random.next())) : valid.time;
            analyzer.add(i, {time, static_cast<std::uint32_t>(random.next() % 6), length, bytes}, links[raw]);
            if (i % 10000 == 0) QVERIFY(analyzer.result()->findings.size() <= 10000);
        }
        const auto a = analyzer.result();
        QCOMPARE(a->frames, std::size_t{100000});
        qInfo("100000 mutated frames: %lld ms, %zu nodes, %zu exchanges", timer.elapsed(), a->nodes.size(), a->exchanges.size());
        QVERIFY2(timer.elapsed() - half < 4 * half + 1000, "time must stay in proportion to the frames");
    }

    void aFloodOfForgedUpdatesStaysCheap()
    {
        SampleNetwork net;
        Random random(3);
        Analyzer analyzer;
        QElapsedTimer timer;
        timer.start();
        qint64 half = 0;
        for (std::uint32_t i = 0; i < 20000; ++i) {
            if (i == 10000) half = timer.elapsed();
            MobileSpec forged;
            for (std::size_t k = 8; k < 16; ++k) forged.home.octets[k] = static_cast<std::uint8_t>(random.next());
            for (std::size_t k = 1; k < 6; ++k) forged.interface.octets[k] = static_cast<std::uint8_t>(random.next());
            const Bytes bytes = wire::emitEthernet({net.arRadio[0], forged.interface, wire::etherTypeIpv6}, update(net.homeSpec(forged, static_cast<std::uint16_t>(i))));
            analyzer.add(i, {at(i * 10us), 0, static_cast<std::uint32_t>(bytes.size()), bytes}, {"w1", 1});
        }
        const auto a = analyzer.result();
        QVERIFY(a->nodes.size() <= 3 * 4096);
        QCOMPARE(a->exchanges.size(), std::size_t{20000});
        qInfo("20000 forged updates: %lld ms", timer.elapsed());
        QVERIFY2(timer.elapsed() - half < 4 * half + 1000, "time must stay in proportion to the frames");
    }
};

QTEST_APPLESS_MAIN(TestAnalyzerFiles)
#include "test_analyzer_files.moc"
