// SPDX-License-Identifier: GPL-3.0-or-later
// Reader, Writer and the random numbers of a lab.
#include "protocol/base/bytes.hpp"
#include "protocol/base/random.hpp"

#include <QtTest>

using namespace roamscope;

class TestBytes : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void whatIsWrittenIsRead()
    {
        Random random(3);
        for (int i = 0; i < 2000; ++i) {
            const std::uint64_t v = random.next();
            Writer out;
            out.u8(static_cast<std::uint8_t>(v));
            out.u16(static_cast<std::uint16_t>(v));
            out.u32(static_cast<std::uint32_t>(v));
            out.u64(v);
            QCOMPARE(out.size(), std::size_t{15});
            Reader in(out.view(), 100);
            QCOMPARE(in.u8(), static_cast<std::uint8_t>(v));
            QCOMPARE(in.u16(), static_cast<std::uint16_t>(v));
            QCOMPARE(in.u32(), static_cast<std::uint32_t>(v));
            QCOMPARE(in.offset(), std::size_t{107});
            QCOMPARE(in.u64(), v);
            QCOMPARE(in.remaining(), std::size_t{0});
            QVERIFY(!in.failed());
        }
    }
    void octetsAreInNetworkOrder()
    {
        Writer out;
        out.u32(0x01020304);
        out.patch16(1, 0xaabb);
        QVERIFY(out.take() == (Bytes{0x01, 0xaa, 0xbb, 0x04}));
    }
    /// Every read past the end gives zeros, moves nothing, and is remembered.
    void aFailureStays()
    {
        const Bytes bytes{1, 2, 3};
        for (std::size_t width : {4u, 8u, 1000u}) {
            Reader in(bytes);
            QVERIFY(in.take(width).empty());
            QVERIFY(in.failed());
            QCOMPARE(in.position(), std::size_t{0});
            QCOMPARE(in.u8(), std::uint8_t{0});
            QCOMPARE(in.remaining(), std::size_t{0});
            QVERIFY(in.rest().empty());
            QVERIFY(in.array<2>() == (std::array<std::uint8_t, 2>{}));
        }
        Reader all(bytes);
        QVERIFY(all.take(static_cast<std::size_t>(-1)).empty() && all.failed());
        Reader exact(bytes);
        QCOMPARE(exact.take(3).size(), std::size_t{3});
        QVERIFY(!exact.failed() && exact.take(0).empty() && !exact.failed());
    }
    void randomNumbersAreTheSameEverywhereAndStayInRange()
    {
        Random random(1);
        QCOMPARE(random.next(), std::uint64_t{0x910a2dec89025cc1});  // SplitMix64's first number for seed 1
        QCOMPARE(random.below(0), std::uint64_t{0});
        bool low = false;
        bool high = false;
        for (int i = 0; i < 1000; ++i) {
            const Duration d = random.between(Duration{5}, Duration{8});
            QVERIFY(d >= Duration{5} && d <= Duration{8});
            low |= d == Duration{5};
            high |= d == Duration{8};
        }
        QVERIFY(low && high);
        QVERIFY(random.between(Duration{9}, Duration{2}) == Duration{9});
        // A fork depends on its label and leaves its parent alone.
        const Random before = random;
        QVERIFY(random.fork(1).next() != random.fork(2).next());
        QCOMPARE(Random(before).next(), random.next());
    }
};

QTEST_APPLESS_MAIN(TestBytes)
#include "test_bytes.moc"
