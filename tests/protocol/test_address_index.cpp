// SPDX-License-Identifier: GPL-3.0-or-later
// The index of addresses against std::map over random histories, alone and under a list whose values change their places.
#include "protocol/node/address_table.hpp"

#include <QtTest>

#include <map>
#include <random>

using namespace roamscope;
using namespace roamscope::node;

namespace {

/// Few enough that they come again.
Ipv6Address address(std::mt19937& random, unsigned count)
{
    Ipv6Address out;
    out.octets[0] = 0x20;
    const unsigned number = static_cast<unsigned>(random()) % count;
    out.octets[14] = static_cast<std::uint8_t>(number >> 8);
    out.octets[15] = static_cast<std::uint8_t>(number);
    return out;
}

struct Item {
    Ipv6Address address;
    int value = 0;
};

}  // namespace

class TestAddressIndex : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void findsWhatAMapFinds_data()
    {
        QTest::addColumn<unsigned>("addresses");
        for (const unsigned n : {3u, 30u, 3000u}) QTest::newRow(qPrintable(QString::number(n))) << n;
    }
    void findsWhatAMapFinds()
    {
        QFETCH(unsigned, addresses);
        std::mt19937 random(addresses);
        std::vector<Ipv6Address> values;
        const auto keyOf = [&](std::uint32_t place) -> const Ipv6Address& { return values[place]; };
        std::map<Ipv6Address, std::uint32_t> expected;
        AddressIndex index;
        for (int i = 0; i < 20000; ++i) {
            const Ipv6Address a = address(random, addresses);
            switch (random() % 3) {
            case 0:
                values.push_back(a);
                index.set(a, static_cast<std::uint32_t>(values.size() - 1), keyOf);
                expected[a] = static_cast<std::uint32_t>(values.size() - 1);
                break;
            case 1:
                index.erase(a, keyOf);
                expected.erase(a);
                break;
            default: {
                const auto it = expected.find(a);
                QCOMPARE(index.find(a, keyOf), it == expected.end() ? AddressIndex::none : it->second);
            }
            }
            QCOMPARE(index.empty(), expected.empty());
        }
    }
    void aListKeepsFindingWhileItsValuesMove_data() { findsWhatAMapFinds_data(); }
    void aListKeepsFindingWhileItsValuesMove()
    {
        QFETCH(unsigned, addresses);
        std::mt19937 random(addresses);
        std::map<Ipv6Address, int> expected;
        AddressList<Item> list;
        for (int i = 0; i < 20000; ++i) {
            const Ipv6Address a = address(random, addresses);
            const Item* item = list.find(a);
            const auto it = expected.find(a);
            QCOMPARE(item != nullptr, it != expected.end());
            if (item) QCOMPARE(item->value, it->second);
            if (!item) {
                list.add({a, i});
                expected[a] = i;
            } else if (random() % 2 == 0) {
                list.remove(*item, random() % 4 == 0);
                expected.erase(a);
            }
            QCOMPARE(list.list().size(), expected.size());
        }
    }
    void removalInOrderKeepsTheOrder()
    {
        AddressList<Item> list;
        for (int i = 0; i < 40; ++i) {
            Ipv6Address a;
            a.octets[15] = static_cast<std::uint8_t>(i + 1);
            list.add({a, i});
        }
        list.remove(list.list()[20], true);
        list.remove(list.list()[0], true);
        for (std::size_t i = 1; i < list.list().size(); ++i) {
            QVERIFY(list.list()[i - 1].value < list.list()[i].value);
            QVERIFY(list.find(list.list()[i].address) == &list.list()[i]);
        }
    }
};

QTEST_APPLESS_MAIN(TestAddressIndex)
#include "test_address_index.moc"
