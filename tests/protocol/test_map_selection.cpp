// SPDX-License-Identifier: GPL-3.0-or-later
// Choice among mobility anchor points (RFC 4140 §7.2, §9.1; RFC 5380 §7.1, §9.1).
#include "tests/support/node_frames.hpp"

#include "protocol/node/map_selection.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::node;
using namespace roamscope::test;

namespace {

wire::MapOption map(const char* address, std::uint8_t distance, std::uint8_t preference, std::uint32_t lifetime = 3600)
{
    return {distance, preference, true, lifetime, ip(address)};
}

std::optional<Ipv6Address> chosen(const MapSelection& maps, TimePoint now = {}, std::optional<Ipv6Address> current = {})
{
    const auto choice = maps.choose(now, current);
    return choice ? std::optional(choice->address) : std::nullopt;
}

const Ipv6Address a = ip("2001:db8:a::1");
const Ipv6Address b = ip("2001:db8:b::1");
const Ipv6Address c = ip("2001:db8:c::1");

}  // namespace

class TestMapSelection : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void HMIP_MN_01_findsSeveralMapsInOneAdvertisement()
    {
        MapSelection maps(MapPolicy::Furthest);
        QVERIFY(!chosen(maps));
        maps.heard({}, {wire::SourceLinkLayerOption{}, map("2001:db8:a::1", 1, 10), wire::MtuOption{1500}, map("2001:db8:b::1", 2, 10)});
        QVERIFY2(maps.remaining({}, a) == 3600s && maps.remaining({}, b) == 3600s, "HMIP-MN-01");
        QCOMPARE(chosen(maps), std::optional(b));
    }

    void HMIP_MN_02_aLaterOptionOfTheSameMapReplacesTheEarlierOne()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 3, 10), map("2001:db8:b::1", 2, 10)});
        maps.heard({}, {map("2001:db8:a::1", 1, 10)});
        QVERIFY2(chosen(maps) == b, "HMIP-MN-02: the stored distance is the newest");
        // One advertisement that leaves a MAP out does not make it forgotten.
        maps.heard({}, {});
        QCOMPARE(chosen(maps), std::optional(b));
        maps.clear();
        QVERIFY(!chosen(maps));
    }

    void HMIP_MN_03_preferenceFirst()
    {
        MapSelection maps(MapPolicy::Preference);
        maps.heard({}, {map("2001:db8:a::1", 1, 15), map("2001:db8:b::1", 15, 14), map("2001:db8:c::1", 2, 15)});
        QVERIFY2(chosen(maps) == c, "HMIP-MN-03: highest preference, then distance");
    }

    void HMIP_MN_04_furthestFirst()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 1, 15), map("2001:db8:b::1", 15, 1), map("2001:db8:c::1", 2, 15)});
        QVERIFY2(chosen(maps) == b, "HMIP-MN-04: greatest distance first");
        maps.heard({}, {map("2001:db8:c::1", 15, 2)});
        QVERIFY2(chosen(maps) == c, "HMIP-MN-04, RFC 5380 §5: preference breaks the tie");
        maps.heard({}, {map("2001:db8:b::1", 15, 2)});
        QVERIFY2(chosen(maps) == b, "errata E-03: then the lowest address");
    }

    void HMIP_MN_04_skipsFurtherMapsThatAreNotEligible()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 9, 0), map("2001:db8:b::1", 8, 5, 0), map("2001:db8:c::1", 1, 1)});
        QCOMPARE(chosen(maps), std::optional(c));
    }

    void HMIP_MN_05_preferenceZeroOnlyForABindingThatExists()
    {
        for (const auto policy : {MapPolicy::Furthest, MapPolicy::Preference}) {
            MapSelection maps(policy);
            maps.heard({}, {map("2001:db8:a::1", 9, 0)});
            QVERIFY2(!chosen(maps), "HMIP-MN-05: no new binding");
            QVERIFY2(chosen(maps, {}, a) == a, "HMIP-MN-05: refreshing is fine");
            QVERIFY(!chosen(maps, {}, b));
            maps.heard({}, {map("2001:db8:c::1", 1, 1)});
            QVERIFY2(chosen(maps, {}, a) == c, "HMIP-MN-05: but not preferred over others");
        }
    }

    void HMIP_MN_06_lifetimeZeroEndsAMap()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 9, 10), map("2001:db8:b::1", 1, 10)});
        maps.heard(TimePoint{5s}, {map("2001:db8:a::1", 9, 10, 0)});
        QVERIFY2(chosen(maps, TimePoint{5s}, a) == b, "HMIP-MN-06: not even for the one in use");
    }

    void HMIP_MN_06_lifetimesRunOut()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 9, 10, 60)});
        QCOMPARE(maps.remaining(TimePoint{20500ms}, a), 39s);
        QCOMPARE(*maps.usableUntil(a), TimePoint{56s});
        QCOMPARE(chosen(maps, TimePoint{56s} - 1ns), std::optional(a));
        QVERIFY2(!chosen(maps, TimePoint{56s}, a), "a rest of 4 s is no lifetime for a binding");
        maps.heard(TimePoint{57s}, {map("2001:db8:a::1", 9, 10, 60)});
        QCOMPARE(chosen(maps, TimePoint{57s}), std::optional(a));
        QVERIFY(!maps.usableUntil(b));
    }

    void HMIP_AR_03_optionsThatBreakTheFormatAreNoMaps()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 0, 10), map("fe80::1", 2, 10), map("ff02::1", 2, 10), map("::", 2, 10)});
        QVERIFY(!chosen(maps));
    }

    void MN_BU_16_aMapThatRefusedIsPassedOverUntilTheNextLink()
    {
        MapSelection maps(MapPolicy::Furthest);
        maps.heard({}, {map("2001:db8:a::1", 9, 10), map("2001:db8:b::1", 1, 10)});
        maps.refused(a);
        QCOMPARE(chosen(maps, {}, a), std::optional(b));
        maps.heard({}, {map("2001:db8:a::1", 9, 10)});
        QCOMPARE(chosen(maps), std::optional(b));
        maps.clear();
        maps.heard({}, {map("2001:db8:a::1", 9, 10)});
        QCOMPARE(chosen(maps), std::optional(a));
    }
};

QTEST_APPLESS_MAIN(TestMapSelection)
#include "test_map_selection.moc"
