// SPDX-License-Identifier: GPL-3.0-or-later
// Depth bombs (threat T2): each ends at a visible limit, the work is bounded, and a stack of 256 KiB is enough.
#include "protocol/wire/ipv6_chain.hpp"
#include "protocol/wire/summary.hpp"

#include "tests/support/frame_checks.hpp"

#include <QElapsedTimer>
#include <QThread>
#include <QtTest>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

Bytes join(Bytes a, const Bytes& b)
{
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

Bytes big16(std::size_t v) { return {static_cast<std::uint8_t>(v >> 8), static_cast<std::uint8_t>(v)}; }

Bytes header6(std::uint8_t next, std::size_t payload)
{
    Ipv6Packet packet;
    packet.nextHeader = next;
    Bytes out = emitIpv6(packet);
    out[4] = static_cast<std::uint8_t>(payload >> 8);
    out[5] = static_cast<std::uint8_t>(payload);
    return out;
}

Bytes header4(std::uint8_t protocol, std::size_t payload)
{
    Ipv4Header header;
    header.protocol = protocol;
    Bytes out = emitIpv4(header, {});
    out[2] = static_cast<std::uint8_t>((payload + 20) >> 8);
    out[3] = static_cast<std::uint8_t>(payload + 20);
    out[10] = out[11] = 0;
    return out;
}

Bytes tags(std::uint16_t type)
{
    Bytes out = emitEthernet({{}, {}, type}, {});
    while (out.size() < 260'000) out = join(std::move(out), join({0, 1}, big16(type)));
    return out;
}

/// Headers of `octets` octets each, one inside the other, `make(depth left, octets inside)`.
template <class Make>
Bytes nested(std::size_t octets, std::size_t levels, Make make)
{
    Bytes out;
    for (std::size_t n = 0; n < levels; ++n) out = join(std::move(out), make(n, (levels - n - 1) * octets));
    return out;
}

Bytes repeated(std::uint8_t next, const Bytes& header)
{
    Bytes chain;
    while (chain.size() + header.size() <= 65535) chain = join(std::move(chain), header);
    return join(header6(next, chain.size()), chain);
}

Bytes wrapped(std::size_t levels, std::uint8_t next, const Bytes& around, std::uint8_t version)
{
    Bytes inside;
    for (std::size_t n = 0; n < levels && inside.size() + around.size() + 40 < 65500; ++n)
        inside = version == 6 ? join(header6(next, around.size() + inside.size()), join(around, inside)) : join(header4(next, around.size() + inside.size()), join(around, inside));
    return inside;
}

/// UDP tunnels of port 4191, one inside the other; the lengths are right, checksums left out.
Bytes udpTunnels()
{
    Bytes inside = header6(59, 0);
    while (inside.size() + 48 < 65500) {
        const std::size_t length = 8 + inside.size();
        inside = join(header4(17, length), join(join(join(big16(4191), big16(4191)), join(big16(length), {0, 0})), inside));
    }
    return inside;
}

/// ESP without encryption around itself, so that the heuristic goes as deep as it can.
Bytes nullEsp()
{
    Bytes inside = header6(59, 0);
    while (inside.size() + 60 < 65500) {
        const Bytes esp = join(join({0, 0, 2, 0, 0, 0, 0, 1}, inside), {0, 41});
        inside = join(header6(50, esp.size()), esp);
    }
    return inside;
}

Bytes quotedErrors(std::uint8_t type)
{
    Bytes inside = header6(59, 0);
    while (inside.size() + 48 < 65500) inside = join(header6(58, 8 + inside.size()), join({type, 0, 0, 0, 0, 0, 0, 0}, inside));
    return inside;
}

}  // namespace

class TestDepth : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyBombEndsAtAVisibleLimit_data()
    {
        QTest::addColumn<QByteArray>("frame");
        QTest::addColumn<int>("linkType");
        const auto row = [](const char* name, const Bytes& bytes, int linkType = linkRaw) {
            QTest::newRow(name) << QByteArray(reinterpret_cast<const char*>(bytes.data()), qsizetype(bytes.size())) << linkType;
        };
        row("65000 VLAN tags", tags(etherTypeVlan), linkEthernet);
        row("65000 service tags", tags(etherTypeQinQ), linkEthernet);
        row("65000 old tags", tags(etherTypeQinQOld), linkEthernet);
        row("1638 IPv6 headers", nested(40, 1638, [](std::size_t, std::size_t inside) { return header6(41, inside); }));
        row("3276 IPv4 headers", nested(20, 3276, [](std::size_t, std::size_t inside) { return header4(4, inside); }));
        row("IPv6 and IPv4 in turns", nested(60, 1090, [](std::size_t, std::size_t inside) { return join(header6(4, inside + 20), header4(41, inside)); }));
        row("8191 destination options", repeated(60, {60, 0, 1, 4, 0, 0, 0, 0}));
        row("8191 hop-by-hop options", repeated(0, {0, 0, 1, 4, 0, 0, 0, 0}));
        row("8191 routing headers", repeated(43, {43, 0, 200, 0, 0, 0, 0, 0}));
        row("8191 atomic fragments", repeated(44, {44, 0, 0, 0, 0, 0, 0, 1}));
        row("5461 authentication headers", repeated(51, {51, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1}));
        Bytes options{60, 255};
        while (options.size() < 2048) options = join(std::move(options), {0x1e, 0});
        row("options, 1023 in a header", repeated(60, options));
        Bytes pad1{60, 255};
        pad1.resize(2048);
        row("Pad1, 2046 in a header", repeated(60, pad1));
        row("tunnels with options", wrapped(800, 60, {41, 0, 1, 4, 0, 0, 0, 0}, 6));
        row("UDP tunnels", udpTunnels());
        row("ESP in ESP", nullEsp());
        row("errors that quote errors", quotedErrors(1));
        row("PPPoE in itself", join(emitEthernet({{}, {}, etherTypePppoe}, {}), join({0x11, 0, 0, 1, 0xff, 0xff, 0, 0x21}, nested(20, 3000, [](std::size_t, std::size_t inside) { return header4(4, inside); }))), linkEthernet);
    }
    void everyBombEndsAtAVisibleLimit()
    {
        QFETCH(QByteArray, frame);
        QFETCH(int, linkType);
        const Bytes bytes(frame.begin(), frame.end());
        const auto type = static_cast<std::uint16_t>(linkType);
        Dissection d;
        qint64 best = std::numeric_limits<qint64>::max();
        qint64 plain = best;
        std::string fault;
        QThread* thread = QThread::create([&] {
            for (int i = 0; i < 3; ++i) {
                QElapsedTimer timer;
                timer.start();
                static_cast<void>(decodeFrame(bytes, type, bytes.size()));
                plain = std::min(plain, timer.nsecsElapsed());
                timer.start();
                d = dissect(bytes, type, bytes.size());
                best = std::min(best, timer.nsecsElapsed());
            }
            fault = nodeFault(bytes, d.nodes) + skimFault(bytes, type, bytes.size());
        });
        thread->setStackSize(256 * 1024);
        thread->start();
        thread->wait();
        delete thread;
        qInfo("%.2f ms with fields, %.2f ms without, %zu lines, %zu findings", double(best) * 1e-6, double(plain) * 1e-6, d.nodes.size(), d.findings.size());
        QCOMPARE(fault, std::string{});
        QVERIFY(d.nodes.size() <= FieldSink::maxNodes + 1);
        QVERIFY(std::any_of(d.nodes.begin(), d.nodes.end(), [](const FieldNode& n) { return n.field == FieldId::Limit; }));
        QVERIFY(d.findings.size() < 5000);
    }
    void theLimitsAreWhatTheySay()
    {
        const auto tunnels = [](std::size_t levels) {
            const Bytes frame = join(nested(40, levels - 1, [](std::size_t, std::size_t inside) { return header6(41, inside + 40); }), header6(59, 0));
            return decodeFrame(frame, linkRaw, frame.size());
        };
        QVERIFY(!tunnels(maxIpHeaders).limited);
        QVERIFY(tunnels(maxIpHeaders + 1).limited);
        QCOMPARE(tunnels(maxIpHeaders + 1).packets.size(), maxIpHeaders);
        const auto headers = [](int count) {
            Bytes chain;
            for (int i = 0; i < count; ++i) chain = join(std::move(chain), {static_cast<std::uint8_t>(i + 1 < count ? 60 : 59), 0, 1, 4, 0, 0, 0, 0});
            const Bytes frame = join(header6(60, chain.size()), chain);
            return dissect(frame, linkRaw, frame.size());
        };
        const auto limits = [](const Dissection& d) { return std::count_if(d.nodes.begin(), d.nodes.end(), [](const FieldNode& n) { return n.field == FieldId::Limit; }); };
        QCOMPARE(limits(headers(shownExtensionHeaders)), std::ptrdiff_t{0});
        QCOMPARE(limits(headers(shownExtensionHeaders + 1)), std::ptrdiff_t{1});
        QCOMPARE(limits(headers(maxExtensionHeaders)), std::ptrdiff_t{1});
        QCOMPARE(limits(headers(maxExtensionHeaders + 1)), std::ptrdiff_t{2});
    }
};

QTEST_APPLESS_MAIN(TestDepth)
#include "test_depth.moc"
