// SPDX-License-Identifier: GPL-3.0-or-later
// The table of an anchor's bindings against plain maps, over many random operations.
#include "tests/support/node_frames.hpp"

#include "protocol/base/random.hpp"
#include "protocol/node/timed_pool.hpp"

#include <QtTest>

#include <map>

using namespace roamscope;

namespace {

struct Entry {
    Ipv6Address home;
    std::uint64_t value = 0;
    TimePoint due{};
    std::uint32_t timer = 0;
};
using Pool = node::TimedPool<Entry, &Entry::home, &Entry::due, &Entry::timer>;

Ipv6Address address(std::uint64_t number)
{
    Ipv6Address out;
    for (std::size_t i = 0; i < 8; ++i) out.octets[15 - i] = static_cast<std::uint8_t>(number >> 8 * i);
    return out;
}

}  // namespace

class TestTimedPool : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void behavesLikeAMapWithTimers()
    {
        Random random(3);
        Pool pool;
        std::map<Ipv6Address, std::uint64_t> expected;
        std::map<Ipv6Address, TimePoint> timers;
        QVERIFY(pool.empty() && !pool.find(address(1)) && !pool.erase(address(1)) && !pool.first());
        for (std::uint64_t i = 0; i < 200'000; ++i) {
            const Ipv6Address a = address(random.below(i < 100'000 ? 3000 : 300));
            const TimePoint at{Duration{static_cast<std::int64_t>(random.below(1000))}};
            switch (random.below(5)) {
            case 0:
                pool.put({a, i, at, 0});
                expected[a] = i;
                timers.erase(a);
                break;
            case 1:
                QCOMPARE(pool.erase(a), expected.erase(a) == 1);
                timers.erase(a);
                break;
            case 2:
                if (Entry* e = pool.find(a)) {
                    e->due = at;
                    pool.arm(*e);
                    timers[a] = at;
                }
                break;
            case 3:
                if (Entry* e = pool.find(a)) {
                    pool.disarm(*e);
                    timers.erase(a);
                }
                break;
            default: {
                const Entry* e = pool.find(a);
                const auto it = expected.find(a);
                QCOMPARE(e != nullptr, it != expected.end());
                if (e) QVERIFY(e->value == it->second && e->home == a);
            }
            }
            QCOMPARE(pool.size(), expected.size());
            const auto earliest = std::min_element(timers.begin(), timers.end(), [](const auto& x, const auto& y) { return x.second < y.second; });
            if (i % 16 == 0) QCOMPARE(pool.first() ? pool.first()->due : TimePoint::max(), timers.empty() ? TimePoint::max() : earliest->second);
        }
        Pool copy = pool;
        std::size_t seen = 0;
        for (const Entry& e : copy) {
            QVERIFY(expected.contains(e.home));
            ++seen;
        }
        QCOMPARE(seen, expected.size());
        // Taken out in order of time.
        TimePoint last{};
        std::size_t fired = 0;
        while (const Entry* e = copy.first()) {
            QVERIFY(e->due >= last);
            last = e->due;
            copy.erase(e->home);
            ++fired;
        }
        QCOMPARE(fired, timers.size());
        QVERIFY(copy.size() == expected.size() - fired && pool.size() == expected.size());
    }

    void valuesStayWhereTheyAre()
    {
        Pool pool;
        Entry& first = pool.put({address(1), 7, {}, 0});
        for (std::uint64_t i = 2; i < 10'000; ++i) pool.put({address(i), i, {}, 0});
        QVERIFY(&first == pool.find(address(1)) && first.value == 7);
        std::uint64_t number = 1;
        for (const Entry& e : pool) QCOMPARE(e.home, address(number++));
    }
};

QTEST_APPLESS_MAIN(TestTimedPool)
#include "test_timed_pool.moc"
