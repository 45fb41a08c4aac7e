// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/base/address.hpp"
#include "protocol/base/random.hpp"

#include <QtTest>

using namespace roamscope;

class TestAddress : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void textFollowsRfc5952_data()
    {
        QTest::addColumn<QString>("in");
        QTest::addColumn<QString>("out");
        QTest::newRow("unspecified") << "::" << "::";
        QTest::newRow("loopback") << "0:0:0:0:0:0:0:1" << "::1";
        QTest::newRow("trailing") << "2001:db8:0:0:0:0:0:0" << "2001:db8::";
        QTest::newRow("one zero group stays") << "2001:db8:0:1:1:1:1:1" << "2001:db8:0:1:1:1:1:1";
        QTest::newRow("longest run") << "2001:0:0:1:0:0:0:1" << "2001:0:0:1::1";
        QTest::newRow("first of equal runs") << "2001:db8:0:0:1:0:0:1" << "2001:db8::1:0:0:1";
        QTest::newRow("leading zeros, case") << "2001:0DB8::00Ab" << "2001:db8::ab";
        QTest::newRow("v4 mapped") << "::ffff:192.0.2.1" << "::ffff:192.0.2.1";
    }
    void textFollowsRfc5952()
    {
        QFETCH(QString, in);
        QFETCH(QString, out);
        const auto address = Ipv6Address::parse(in.toStdString());
        QVERIFY(address);
        QCOMPARE(QString::fromStdString(address->text()), out);
    }
    void everyAddressSurvivesItsText()
    {
        Random random(7);
        for (int i = 0; i < 20000; ++i) {
            Ipv6Address address;
            for (auto& octet : address.octets) octet = random.below(3) == 0 ? static_cast<std::uint8_t>(random.next()) : 0;
            QCOMPARE(Ipv6Address::parse(address.text()), std::optional(address));
        }
    }
    void nonsenseIsRefused()
    {
        for (const char* text : {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "1::2::3", "g::", "::1.2.3",
                                 "::1.2.3.256", "1:2:3:4:5:6:7::8", "fe80::1%eth0", "::1/64", "1:", ":1"})
            QVERIFY2(!Ipv6Address::parse(text), text);
        for (const char* text : {"", "02:00:00:00:00", "02-00-00-00-00-01", "02:00:00:00:00:0g"}) QVERIFY2(!Mac::parse(text), text);
        for (const char* text : {"", "::", "::/", "::/129", "::/x"}) QVERIFY2(!Prefix::parse(text), text);
    }
    void derivedAddresses()
    {
        const Mac mac = *Mac::parse("00:11:22:33:44:55");
        QCOMPARE(linkLocal(eui64(mac)).text(), std::string("fe80::211:22ff:fe33:4455"));
        const auto coa = withInterfaceId(Ipv6Address::parse("2001:db8:a1::").value(), eui64(mac));
        QCOMPARE(coa.text(), std::string("2001:db8:a1:0:211:22ff:fe33:4455"));
        QCOMPARE(solicitedNode(coa).text(), std::string("ff02::1:ff33:4455"));
        QCOMPARE(multicastMac(solicitedNode(coa)).text(), std::string("33:33:ff:33:44:55"));
        QVERIFY(Prefix::parse("2001:db8:a1::1/64")->contains(coa));
        QVERIFY(!Prefix::parse("2001:db8:a2::/64")->contains(coa));
        QCOMPARE(Prefix::parse("2001:db8:a1::1/64")->masked().text(), std::string("2001:db8:a1::/64"));
    }
};

QTEST_APPLESS_MAIN(TestAddress)
#include "test_address.moc"
