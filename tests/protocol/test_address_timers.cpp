// SPDX-License-Identifier: GPL-3.0-or-later
// When something is due for one of many addresses, and what a home agent of many joins and tests.
#include "protocol/node/address_table.hpp"
#include "protocol/node/group_table.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;

namespace {

Ipv6Address numbered(std::uint16_t n)
{
    Ipv6Address out = *Ipv6Address::parse("2001:db8::");
    out.octets[14] = static_cast<std::uint8_t>(n >> 8);
    out.octets[15] = static_cast<std::uint8_t>(n);
    return out;
}

TimePoint at(int milliseconds) { return TimePoint{std::chrono::milliseconds(milliseconds)}; }

}  // namespace

class TestAddressTimers : public QObject {
    Q_OBJECT

private slots:
    void whatIsDueComesInTheOrderOfTimeThenOfSetting()
    {
        AddressTimers timers;
        const auto always = [](const Ipv6Address&, TimePoint) { return true; };
        timers.set(numbered(3), at(20));
        timers.set(numbered(2), at(10));
        timers.set(numbered(1), at(10));
        timers.set(numbered(4), at(30));
        QCOMPARE(timers.first(), at(10));
        QVERIFY(timers.takeDue(at(9), always).empty());
        QVERIFY(timers.takeDue(at(20), always) == (std::vector{numbered(2), numbered(1), numbered(3)}));
        QCOMPARE(timers.first(), at(30));
        QVERIFY(timers.takeDue(at(30), always) == std::vector{numbered(4)});
        QCOMPARE(timers.first(), TimePoint::max());
    }

    void whatIsPutOffAgainAndAgainTakesNoMemory()
    {
        AddressTimers timers;
        std::vector<TimePoint> due(100);
        const auto holds = [&](const Ipv6Address& address, TimePoint when) { return due[address.octets[15]] == when; };
        for (int i = 0; i < 100'000; ++i) {
            const auto n = static_cast<std::uint16_t>(i % 100);
            due[n] = at(1'000'000 + i);
            timers.set(numbered(n), due[n]);
            timers.drop(holds);
            QVERIFY2(timers.size() <= 2 * 100 + 64 + 1, "what does not hold any more goes");
        }
        QCOMPARE(timers.first(), *std::min_element(due.begin(), due.end()));
        QCOMPARE(timers.takeDue(at(2'000'000), holds).size(), std::size_t{100});
        QCOMPARE(timers.size(), std::size_t{0});
    }

    void aGroupThatWasLeftOrPutOffIsNotReported()
    {
        GroupTable groups;
        for (std::uint16_t i = 0; i < 100; ++i) {
            QVERIFY(groups.join(numbered(i)));
            groups.report(*groups.find(numbered(i)), at(1000 + i));
        }
        QVERIFY(groups.leave(numbered(0)));
        QCOMPARE(groups.nextReport(), at(1001));
        groups.report(*groups.find(numbered(1)), at(2000));
        groups.report(*groups.find(numbered(50)), at(500));
        QCOMPARE(groups.nextReport(), at(500));
        QVERIFY(groups.takeDue(at(500)) == std::vector{numbered(50)});
        // Left and joined anew: the report of before does not count.
        QVERIFY(groups.leave(numbered(2)));
        QVERIFY(groups.join(numbered(2)));
        QCOMPARE(groups.takeDue(at(1999)).size(), std::size_t{96});
        QVERIFY(groups.takeDue(at(2000)) == std::vector{numbered(1)});
        QCOMPARE(groups.nextReport(), TimePoint::max());
    }

    void theSameReportTwiceIsOne()
    {
        GroupTable groups;
        (void)groups.join(numbered(1));
        groups.report(*groups.find(numbered(1)), at(10));
        (void)groups.leave(numbered(1));
        (void)groups.join(numbered(1));
        groups.report(*groups.find(numbered(1)), at(10));
        QCOMPARE(groups.takeDue(at(10)).size(), std::size_t{1});
        QVERIFY(groups.takeDue(at(10)).empty());
    }

    void addressesAreTestedUntilTheyArePreferredOrGone()
    {
        AddressTable addresses;
        for (std::uint16_t i = 0; i < 50; ++i) {
            InterfaceAddress address{numbered(i)};
            address.nextProbe = at(i);
            addresses.add(address);
        }
        QCOMPARE(addresses.nextProbe(), at(0));
        QVERIFY(addresses.takeDue(at(0)) == std::vector{numbered(0)});
        addresses.probeAt(*addresses.find(numbered(0)), at(1000));
        QVERIFY(addresses.remove(numbered(1)));
        addresses.setPreferred(*addresses.find(numbered(2)));
        QCOMPARE(addresses.nextProbe(), at(3));
        QCOMPARE(addresses.takeDue(at(49)).size(), std::size_t{47});
        QCOMPARE(addresses.nextProbe(), at(1000));
    }
};

QTEST_GUILESS_MAIN(TestAddressTimers)
#include "test_address_timers.moc"
