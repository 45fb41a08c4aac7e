// SPDX-License-Identifier: GPL-3.0-or-later
// The longest prefix counts, however many routes there are.
#include "protocol/base/random.hpp"
#include "protocol/node/route_table.hpp"

#include <QtTest>

#include <optional>

using namespace roamscope;
using node::Route;
using node::RouteTable;

namespace {

/// Few different octets, so that prefixes cover each other.
Ipv6Address drawn(Random& random)
{
    Ipv6Address out = *Ipv6Address::parse("2001:db8::");
    for (std::size_t i = 4; i < 16; ++i) out.octets[i] = static_cast<std::uint8_t>(random.below(2));
    return out;
}

}  // namespace

class TestRouteTable : public QObject {
    Q_OBJECT

private slots:
    void findsWhatALookAtAllRoutesFinds_data()
    {
        QTest::addColumn<int>("count");
        for (const int count : {0, 1, 8, 9, 40, 400}) QTest::addRow("%d routes", count) << count;
    }
    void findsWhatALookAtAllRoutesFinds()
    {
        QFETCH(int, count);
        Random random(7);
        RouteTable table;
        std::vector<Route> all;
        constexpr std::array<std::uint8_t, 6> lengths{0, 33, 48, 63, 64, 128};
        for (int i = 0; i < count; ++i) {
            // The gateway is the route's number.
            Route route{{drawn(random), lengths[random.below(lengths.size())]}, static_cast<std::size_t>(i), drawn(random)};
            table.add(route);
            all.push_back(route);
        }
        std::size_t covered = 0;
        for (int i = 0; i < 2000; ++i) {
            const Ipv6Address destination = drawn(random);
            std::optional<Route> wanted;
            for (const Route& route : all)
                if (route.destination.contains(destination) && (!wanted || route.destination.length > wanted->destination.length)) wanted = route;
            const Route* found = table.find(destination);
            QCOMPARE(found != nullptr, wanted.has_value());
            if (!found) continue;
            ++covered;
            QCOMPARE(found->interface, wanted->interface);
            QVERIFY(found->nextHop == wanted->nextHop);
        }
        QVERIFY(count < 8 || covered > 100);
    }
};

QTEST_APPLESS_MAIN(TestRouteTable)
#include "test_route_table.moc"
