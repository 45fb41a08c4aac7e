// SPDX-License-Identifier: GPL-3.0-or-later
// Files with keys: what is read, and that errors name the place and never a key.
#include "capture/io/key_file.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::capture;

namespace {

std::string file(const std::string& association) { return "{\"format\": \"roamscope-keys-1\",\n \"esp\": [\n  {" + association + "}]} // keys"; }

}  // namespace

class TestKeyFile : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void isRead()
    {
        const auto keys = parseKeys(file("\"spi\": \"0x200\", \"source\": \"2001:db8::1\", \"destination\": \"192.0.2.1\", \"encryption\": \"aes-cbc\","
                                         " \"encryption_key\": \"0x000102030405060708090a0b0c0d0e0f\", \"integrity\": \"hmac-sha1-96\", \"integrity_key\": \"00ff\""),
                                    "k.json");
        QVERIFY2(keys, keys ? "" : keys.error().text.c_str());
        const auto* a = keys->find(0x200, *Ipv6Address::parse("2001:db8::1"), *Ipv6Address::parse("::ffff:192.0.2.1"));
        QVERIFY(a);
        QCOMPARE(a->encryptionKey.size(), std::size_t{16});
        QVERIFY(a->integrityKey == (Bytes{0, 0xff}));
        QVERIFY(!keys->find(0x200, *Ipv6Address::parse("2001:db8::2"), *Ipv6Address::parse("::ffff:192.0.2.1")));
        QVERIFY(parseKeys(file("\"spi\": 512, \"encryption\": \"null\""), "k.json")->find(512, {}, {}));
    }
    void errorsNameThePlaceAndNoKey_data()
    {
        QTest::addColumn<QString>("text");
        QTest::addColumn<QString>("place");
        const auto row = [](const char* name, const std::string& text, const char* place) { QTest::newRow(name) << QString::fromStdString(text) << place; };
        row("no object", "[]", "k.json:1:1: ");
        row("format", "{\"format\": \"x\", \"esp\": []}", "k.json:1:12: ");
        row("no list", "{\"format\": \"roamscope-keys-1\"}", "k.json:1:1: ");
        row("unknown key", file("\"spi\": 1, \"encrypt\": \"null\""), "k.json:3:14: ");
        row("spi 0", file("\"spi\": 0, \"encryption\": \"null\""), "k.json:3:11: ");
        row("spi text", file("\"spi\": \"0x1g\", \"encryption\": \"null\""), "k.json:3:11: ");
        row("cipher", file("\"spi\": 1, \"encryption\": \"rot13\""), "k.json:3:28: ");
        row("short key", file("\"spi\": 1, \"encryption\": \"aes-cbc\", \"encryption_key\": \"5ec2e75ec2e7\""), "k.json:3:57: ");
        row("odd key", file("\"spi\": 1, \"encryption\": \"aes-cbc\", \"encryption_key\": \"5ec2e7z\""), "k.json:3:57: ");
        row("missing key", file("\"spi\": 1, \"encryption\": \"aes-cbc\""), "k.json:3:3: ");
        row("address", file("\"spi\": 1, \"encryption\": \"null\", \"source\": \"5ec2e7\""), "k.json:3:46: ");
        row("needless key", file("\"spi\": 1, \"encryption\": \"null\", \"integrity_key\": \"5ec2e7\""), "k.json:3:53: ");
    }
    void errorsNameThePlaceAndNoKey()
    {
        QFETCH(QString, text);
        QFETCH(QString, place);
        const auto keys = parseKeys(text.toStdString(), "k.json");
        QVERIFY(!keys);
        const QString error = QString::fromStdString(keys.error().text);
        QVERIFY2(error.startsWith(place), qPrintable(error));
        QVERIFY2(!error.contains("5ec2e7"), qPrintable(error));
    }
    void aMissingFileIsSaid() { QVERIFY(loadKeys("/nonexistent/keys.json").error().text.starts_with("/nonexistent/keys.json: cannot be read")); }
};

QTEST_APPLESS_MAIN(TestKeyFile)
#include "test_key_file.moc"
