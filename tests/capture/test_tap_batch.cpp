// SPDX-License-Identifier: GPL-3.0-or-later
// Several frames of a TAP interface with one system call, and one by one where the system has no ring.
#include "capture/io/machine_check.hpp"
#include "capture/io/tap_batch.hpp"
#include "tests/support/tap_lab.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

std::vector<TapBatch::Outgoing> outgoing(TapDevice& tap, const std::vector<Bytes>& frames)
{
    std::vector<TapBatch::Outgoing> out;
    for (const Bytes& frame : frames) out.push_back({&tap, frame});
    return out;
}

/// Frames that arrive within 100 ms, at most `count` with a call.
std::vector<Bytes> receive(TapBatch& batch, TapDevice& tap, std::size_t count)
{
    std::vector<Bytes> frames;
    for (const auto deadline = Clock::now() + 100ms; Clock::now() < deadline;) {
        const auto some = batch.read(tap, count);
        if (!some || some->size() > count) return {};
        for (const ByteView frame : *some) frames.emplace_back(frame.begin(), frame.end());
        if (some->empty()) std::this_thread::sleep_for(1ms);
    }
    return frames;
}

}  // namespace

class TestTapBatch : public QObject {
    Q_OBJECT

private slots:
    void initTestCase()
    {
        const Result<void> allowed = tapBackendAvailable();
        if (!allowed) QSKIP(allowed.error().text.c_str());
    }

    void init()
    {
        QFETCH(bool, ring);
        batch_ = TapBatch(ring ? TapBatch::Way::Ring : TapBatch::Way::OneByOne);
        if (ring && batch_.way() != TapBatch::Way::Ring) QSKIP("this system allows no io_uring");
        QCOMPARE(batch_.way() == TapBatch::Way::Ring, ring);
    }

    void framesKeepTheirOrderAndOctets_data() { ways(); }
    void framesKeepTheirOrderAndOctets()
    {
        TestLab lab;
        QVERIFY(lab.good);
        // More than a call takes, of every length up to the MTU.
        std::vector<Bytes> frames;
        for (std::uint32_t i = 0; i < 2 * TapBatch::capacity + 9; ++i) frames.push_back(makeFrame(1, 255, i, 60 + 10 * i % 1400));
        auto out = outgoing(lab.a(), frames);
        QVERIFY(batch_.write(out));
        for (const TapBatch::Outgoing& one : out) QVERIFY(one.sent);
        QVERIFY(receive(batch_, lab.b(), TapBatch::capacity) == frames);
        QVERIFY(receive(batch_, lab.c(), TapBatch::capacity).empty());
    }

    void aCallGivesNoMoreThanWasAskedFor_data() { ways(); }
    void aCallGivesNoMoreThanWasAskedFor()
    {
        TestLab lab;
        QVERIFY(lab.good);
        std::vector<Bytes> frames;
        for (std::uint32_t i = 0; i < 20; ++i) frames.push_back(makeFrame(1, 255, i));
        auto out = outgoing(lab.a(), frames);
        QVERIFY(batch_.write(out));
        QVERIFY(receive(batch_, lab.b(), 3) == frames);
    }

    void oneCallSendsOnSeveralInterfaces_data() { ways(); }
    void oneCallSendsOnSeveralInterfaces()
    {
        TestLab lab;
        QVERIFY(lab.good);
        QVERIFY(lab.space->attach(2, "w1"));
        const Bytes first = makeFrame(1, 255, 1), second = makeFrame(2, 255, 2);
        std::vector<TapBatch::Outgoing> out{{&lab.a(), first}, {&lab.b(), second}};
        QVERIFY(batch_.write(out));
        QVERIFY(receive(batch_, lab.c(), 8) == (std::vector<Bytes>{first, second}));
    }

    void whatTheKernelDoesNotTakeIsToldAsNotSent_data() { ways(); }
    void whatTheKernelDoesNotTakeIsToldAsNotSent()
    {
        TestLab lab;
        QVERIFY(lab.good);
        if (!run("nsenter --version && ip -V")) QSKIP("this machine has no nsenter or no ip command");
        QVERIFY(run(lab.space->enterCommand() + " ip link set a-wl0 down"));
        const std::vector<Bytes> frames{makeFrame(1, 255, 1), makeFrame(1, 255, 2)};
        auto out = outgoing(lab.a(), frames);
        for (TapBatch::Outgoing& one : out) one.sent = true;
        QVERIFY(batch_.write(out));
        for (const TapBatch::Outgoing& one : out) QVERIFY(!one.sent);
    }

    void anInterfaceThatIsGoneIsAnError_data() { ways(); }
    void anInterfaceThatIsGoneIsAnError()
    {
        TestLab lab;
        QVERIFY(lab.good);
        lab.a().close();
        const std::vector<Bytes> frames{makeFrame(1, 255, 1), makeFrame(1, 255, 2)};
        auto out = outgoing(lab.a(), frames);
        const auto written = batch_.write(out);
        QVERIFY(!written);
        QVERIFY2(written.error().text.find("writing to TAP interface a-wl0") != std::string::npos, written.error().text.c_str());
        const auto got = batch_.read(lab.a(), 8);
        QVERIFY(!got);
        QVERIFY2(got.error().text.find("reading TAP interface a-wl0") != std::string::npos, got.error().text.c_str());
    }

private:
    static void ways()
    {
        QTest::addColumn<bool>("ring");
        QTest::newRow("ring") << true;
        QTest::newRow("one by one") << false;
    }

    TapBatch batch_;
};

QTEST_GUILESS_MAIN(TestTapBatch)
#include "test_tap_batch.moc"
