// SPDX-License-Identifier: GPL-3.0-or-later
// What a link does to frames: each kind of impairment alone, over many frames.
#include "protocol/lab/impairment.hpp"

#include <QtTest>

#include <set>

using namespace roamscope;
using lab::BurstSpec;
using lab::Impairment;
using lab::ImpairmentSpec;

namespace {

constexpr int many = 100'000;

Impairment made(const ImpairmentSpec& spec, std::uint64_t seed = 1) { return {spec, 2ms, Random(seed)}; }

/// `many` frames of 100 octets, one a millisecond.
std::vector<Impairment::Fate> fates(const ImpairmentSpec& spec, std::uint64_t seed = 1)
{
    Impairment impairment = made(spec, seed);
    std::vector<Impairment::Fate> out;
    for (int i = 0; i < many; ++i) out.push_back(impairment.pass(TimePoint{i * 1ms}, 100));
    return out;
}

template <class Predicate>
double share(const std::vector<Impairment::Fate>& all, Predicate predicate)
{
    return static_cast<double>(std::count_if(all.begin(), all.end(), predicate)) / many;
}

bool isLost(const Impairment::Fate& f) { return !f.lost.empty(); }
bool near(double seen, double expected, double tolerance) { return seen > expected - tolerance && seen < expected + tolerance; }

}  // namespace

class TestImpairment : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void nothingButTheDelays()
    {
        ImpairmentSpec spec;
        spec.delay = 7ms;
        const auto all = fates(spec);
        for (int i = 0; i < many; ++i) {
            const auto& f = all[static_cast<std::size_t>(i)];
            QVERIFY(!isLost(f) && !f.copy && !f.heldBack && !f.bit && f.arrival == TimePoint{i * 1ms + 9ms});
        }
    }

    void lossIsAsLikelyAsAskedForAndRepeatable()
    {
        ImpairmentSpec spec;
        spec.loss = 0.2;
        const auto all = fates(spec, 7);
        QVERIFY(near(share(all, isLost), 0.2, 0.01));
        QVERIFY(std::all_of(all.begin(), all.end(), [](const auto& f) { return !isLost(f) || f.lost == "loss"; }));
        const auto same = [&](std::uint64_t seed) {
            const auto other = fates(spec, seed);
            return std::equal(all.begin(), all.end(), other.begin(), [](const auto& a, const auto& b) { return a.lost == b.lost; });
        };
        QVERIFY(same(7));
        QVERIFY(!same(8));
        spec.loss = 1;
        QCOMPARE(share(fates(spec), isLost), 1.0);
    }

    void burstsHaveTheLengthAndShareOfTheModel()
    {
        ImpairmentSpec spec;
        spec.burst = BurstSpec{0.05, 0.25, 1};
        const auto all = fates(spec);
        int bursts = 0;
        for (std::size_t i = 0; i < all.size(); ++i) bursts += isLost(all[i]) && (i == 0 || !isLost(all[i - 1])) ? 1 : 0;
        const double lost = share(all, isLost);
        QVERIFY2(near(lost, 0.05 / 0.30, 0.01), "share of the bad state: enter / (enter + leave)");
        QVERIFY2(near(lost * many / bursts, 4, 0.2), "mean length of a burst: 1 / leave");
        // Between the bursts plain loss goes on.
        spec.loss = 0.5;
        QVERIFY(near(share(fates(spec), isLost), 1.0 / 6 + 5.0 / 6 * 0.5, 0.01));
        spec.burst->loss = 0;
        QVERIFY(near(share(fates(spec), isLost), 5.0 / 6 * 0.5, 0.01));
    }

    void jitterSpreadsTheDelayAndKeepsTheOrder()
    {
        ImpairmentSpec spec;
        spec.jitter = 20ms;
        const auto all = fates(spec);
        Duration most{0};
        TimePoint last{};
        for (int i = 0; i < many; ++i) {
            const auto& f = all[static_cast<std::size_t>(i)];
            const Duration delay = f.arrival - TimePoint{i * 1ms};
            QVERIFY(delay >= 2ms && delay <= 22ms && f.arrival >= last);
            most = std::max(most, delay);
            last = f.arrival;
        }
        QVERIFY(most > 21ms);
    }

    void reorderedFramesAreOvertaken()
    {
        ImpairmentSpec spec;
        spec.reorder = 0.1;
        spec.reorderBy = 3500us;
        const auto all = fates(spec);
        QVERIFY(near(share(all, [](const auto& f) { return f.heldBack; }), 0.1, 0.01));
        for (std::size_t i = 0; i + 4 < all.size(); ++i)
            if (all[i].heldBack && !all[i + 3].heldBack && !all[i + 4].heldBack) QVERIFY(all[i].arrival > all[i + 3].arrival && all[i].arrival < all[i + 4].arrival);
    }

    void duplicatesAndCorruptedFrames()
    {
        ImpairmentSpec spec;
        spec.duplicate = 0.3;
        spec.corrupt = 0.05;
        const auto all = fates(spec);
        QVERIFY(near(share(all, [](const auto& f) { return f.copy.has_value(); }), 0.3, 0.01));
        QVERIFY(near(share(all, [](const auto& f) { return f.bit.has_value(); }), 0.05, 0.005));
        std::set<std::size_t> bits;
        for (const auto& f : all) {
            if (f.bit) bits.insert(*f.bit);
            if (f.copy) QVERIFY(*f.copy >= f.arrival);
        }
        QVERIFY2(*bits.begin() == 14 * 8 && *bits.rbegin() == 100 * 8 - 1, "every bit behind the Ethernet header");
        Impairment header = made(spec);
        for (int i = 0; i < 1000; ++i) QVERIFY(!header.pass(TimePoint{}, 14).bit);
    }

    void aRateSpreadsFramesAndItsQueueOverflows()
    {
        ImpairmentSpec spec;
        spec.rate = 1'000'000;
        spec.queue = 5;
        Impairment impairment = made(spec);
        // 1250 octets take 10 ms. One is being sent, five wait, the rest finds no place.
        for (int i = 0; i < 10; ++i) {
            const auto f = impairment.pass(TimePoint{}, 1250);
            if (i < 6) QVERIFY(!isLost(f) && f.arrival == TimePoint{(i + 1) * 10ms + 2ms});
            else QVERIFY(f.lost == "queue-full");
        }
        const auto later = impairment.pass(TimePoint{15ms}, 1250);
        QVERIFY2(!isLost(later) && later.arrival == TimePoint{72ms}, "one has left, so there is a place behind the others");
        const auto idle = impairment.pass(TimePoint{1s}, 125);
        QVERIFY2(idle.arrival == TimePoint{1s + 1ms + 2ms}, "an empty queue costs only the frame's own time");
    }
};

QTEST_APPLESS_MAIN(TestImpairment)
#include "test_impairment.moc"
