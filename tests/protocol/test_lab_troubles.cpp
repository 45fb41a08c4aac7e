// SPDX-License-Identifier: GPL-3.0-or-later
// Impairments and faults in a whole lab: what they do to nodes, what the record says about them, and that they repeat.
#include "tests/support/flow_options.hpp"
#include "tests/support/lab_run.hpp"

#include <QtTest>

using namespace roamscope;
using namespace roamscope::test;
using lab::AddressFault;
using lab::ClockFault;
using lab::MessageFault;
using lab::RestartFault;
using lab::Scenario;
using wire::BindingAck;
using wire::BindingUpdate;

namespace {

const Ipv6Address homeAddress = ip("2001:db8:100::1:1");

Scenario stationary()
{
    Scenario s = sampleScenario();
    s.events.resize(1);
    return s;
}

lab::LinkSpec& linkNamed(Scenario& s, std::string_view name)
{
    return *std::find_if(s.links.begin(), s.links.end(), [&](const lab::LinkSpec& l) { return l.name == name; });
}

MessageFault fault(MessageFault::Action action, std::string message, std::string link)
{
    MessageFault f;
    f.action = action;
    f.match.message = std::move(message);
    f.match.link = std::move(link);
    return f;
}

template <class T>
std::vector<T> messages(const LabRun& run, std::string_view link)
{
    std::vector<T> out;
    for (const auto& f : run.out.frames)
        if (const auto d = run.decoded(f); run.link(f) == link)
            if (const T* m = d.as<T>()) out.push_back(*m);
    return out;
}

std::size_t sentBy(const LabRun& run, std::string_view node, std::string_view link)
{
    std::size_t n = 0;
    for (const auto& f : run.out.frames)
        if (run.link(f) == link && run.decoded(f).ethernet->source == run.lab.stack(run.node(node)).mac(0)) ++n;
    return n;
}

std::string text(const LabRun& run, std::string_view event, std::string_view key)
{
    for (const auto& e : run.out.events)
        if (e.event.name == event) return node::textOf(e.event.attributes, key);
    return {};
}

const lab::LabEvent* first(const LabRun& run, std::string_view event)
{
    for (const auto& e : run.out.events)
        if (e.event.name == event) return &e;
    return nullptr;
}

}  // namespace

class TestLabTroubles : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void lossMeetsOneDirectionOnly()
    {
        Scenario s = stationary();
        lab::ImpairmentSpec deaf;
        deaf.from = {"mn"};
        deaf.loss = 1;
        linkNamed(s, "w1").impairments = {deaf};
        LabRun run(s);
        run.to(TimePoint{10s});
        QCOMPARE(sentBy(run, "mn", "w1"), std::size_t{0});
        QVERIFY(sentBy(run, "ar1", "w1") + messages<wire::RouterAdvertisement>(run, "w1").size() > 20);
        QVERIFY(!run.registeredAtHome() && run.mobile().onLinkCareOf());
        QCOMPARE(text(run, "frame-lost", "cause"), std::string("loss"));
        QCOMPARE(text(run, "frame-lost", "link"), std::string("w1"));
        QVERIFY2(text(run, "frame-lost", "message").find("Listener") != std::string::npos || text(run, "frame-lost", "message").find("ICMPv6") != std::string::npos,
                 text(run, "frame-lost", "message").c_str());
        // The entry for all is for those that no other names.
        lab::ImpairmentSpec rest;
        rest.loss = 1;
        deaf.loss = 0;
        linkNamed(s, "w1").impairments = {rest, deaf};
        LabRun other(s);
        other.to(TimePoint{10s});
        QVERIFY(sentBy(other, "mn", "w1") > 0 && messages<wire::RouterAdvertisement>(other, "w1").empty());
    }

    void impairedRunsRepeatAndCopiesGoOn()
    {
        Scenario s = sampleScenario();
        for (const char* link : {"w1", "w2", "domain"}) {
            lab::ImpairmentSpec all;
            all.jitter = 5ms;
            all.loss = 0.05;
            all.burst = lab::BurstSpec{0.02, 0.3, 0.8};
            all.duplicate = all.reorder = all.corrupt = 0.05;
            all.rate = 2'000'000;
            linkNamed(s, link).impairments = {all};
        }
        LabRun a(s, 5);
        LabRun b(s, 5);
        LabRun c(s, 6);
        a.to(TimePoint{20s});
        b.to(TimePoint{7s});
        lab::Lab copy = b.lab;
        b.to(TimePoint{20s});
        c.to(TimePoint{20s});
        const auto same = [](const std::vector<lab::SegmentFrame>& x, const std::vector<lab::SegmentFrame>& y) {
            return std::equal(x.begin(), x.end(), y.begin(), y.end(), [](const auto& f, const auto& g) { return f.time == g.time && f.link == g.link && f.bytes == g.bytes; });
        };
        QVERIFY(same(a.out.frames, b.out.frames) && !same(a.out.frames, c.out.frames));
        lab::LabOutput rest;
        copy.advanceTo(TimePoint{20s}, rest);
        QVERIFY(same(rest.frames, {b.out.frames.end() - static_cast<std::ptrdiff_t>(rest.frames.size()), b.out.frames.end()}));
        for (const char* event : {"frame-lost", "frame-duplicated", "frame-held-back", "frame-corrupted"}) QVERIFY2(first(a, event), event);
        // What was changed is named by its number in the capture.
        for (const auto& e : a.out.events) {
            if (e.event.name != "frame-corrupted") continue;
            QVERIFY(e.frame && *e.frame < a.out.frames.size());
            QCOMPARE(node::numberOf(e.event.attributes, "length"), static_cast<std::int64_t>(a.out.frames[*e.frame].bytes.size()));
        }
    }

    void aDroppedAcknowledgementIsAskedForAgain()
    {
        Scenario s = stationary();
        auto lost = fault(MessageFault::Action::Drop, "BA", "w1");
        lost.match.from = "ar1";
        s.faults = {lost};
        LabRun run(s);
        run.to(TimePoint{10s});
        QCOMPARE(text(run, "frame-lost", "cause"), std::string("fault"));
        QVERIFY2(text(run, "frame-lost", "message").find("BA") != std::string::npos, text(run, "frame-lost", "message").c_str());
        QCOMPARE(run.events("mn", "frame-lost").size() + run.events("ar1", "frame-lost").size(), std::size_t{1});
        QVERIFY(run.registeredAtHome());
        // The copy that was sent because of it has a number of its own (MN-BU-06).
        const auto updates = messages<BindingUpdate>(run, "w1");
        QVERIFY(updates.size() >= 3);
        QCOMPARE(static_cast<std::uint16_t>(updates[0].sequence + 1), updates[1].sequence);
    }

    void theNthMessageIsMetAndNoOther()
    {
        Scenario s = stationary();
        auto later = fault(MessageFault::Action::Drop, "data", "core");
        later.number = 100;
        later.count = 3;
        later.match.destination = homeAddress;
        later.match.from = "cn";
        s.faults = {later};
        LabRun run(s);
        run.to(TimePoint{10s});
        const auto lost = run.events("cn", "frame-lost");
        QCOMPARE(lost.size(), std::size_t{3});
        QVERIFY(lost.front() == TimePoint{99 * 20ms} && lost.back() == TimePoint{101 * 20ms});
    }

    void aChangedAnswerRefuses()
    {
        Scenario s = stationary();
        auto change = fault(MessageFault::Action::Change, "BA", "w1");
        change.change.status = wire::bindingStatus::insufficientResources;
        s.faults = {change};
        LabRun run(s);
        run.to(TimePoint{10s});
        const auto acks = messages<BindingAck>(run, "w1");
        QVERIFY(!acks.empty() && acks.front().status == 130);
        for (const auto& f : run.out.frames)
            if (const auto d = run.decoded(f); const auto* m = std::get_if<wire::Checked<wire::MobilityMessage>>(&d.message)) QVERIFY2(m->checksum == wire::ChecksumVerdict::Good, "the checksum is made good again");
        const auto* event = first(run, "frame-changed");
        QVERIFY(event && event->frame && run.decoded(run.out.frames[*event->frame]).messageType == 6);
        // MN-BU-16, HMIP-MN-07a: no MAP any more, plain Mobile IPv6.
        QVERIFY(!run.mobile().mapAssociation() && run.registeredAtHome());
    }

    void aCorruptedMessageIsIgnored()
    {
        Scenario s = stationary();
        s.faults = {fault(MessageFault::Action::Corrupt, "BU", "w1")};
        LabRun run(s);
        run.to(TimePoint{10s});
        QVERIFY(first(run, "frame-corrupted") && run.registeredAtHome());
        QVERIFY2(run.events("map", "binding-update").size() + 1 == run.events("mn", "local-binding-update").size(), "MH-RX-01: a bad checksum is dropped silently");
    }

    void aDelayedUpdateIsOld()
    {
        Scenario s = stationary();
        auto late = fault(MessageFault::Action::Delay, "BU", "w1");
        late.by = 4s;
        s.faults = {late};
        LabRun run(s);
        run.to(TimePoint{10s});
        QVERIFY(first(run, "frame-delayed") && run.registeredAtHome());
        const auto acks = messages<BindingAck>(run, "domain");
        QVERIFY2(std::any_of(acks.begin(), acks.end(), [](const auto& a) { return a.status == 135; }), "HA-BU-02: the overtaken number is outside of the window");
    }

    void aReplayedUpdateChangesNothing()
    {
        // The update from the first link comes again there when the node has long left it.
        Scenario s = sampleScenario();
        auto replay = fault(MessageFault::Action::Replay, "BU", "w1");
        replay.by = 14s;
        replay.match.registration = lab::Registration::Map;
        s.faults = {replay};
        LabRun run(s);
        run.to(TimePoint{20s});
        const auto* event = first(run, "frame-replayed");
        QVERIFY(event && event->event.time > TimePoint{14s});
        const auto updates = messages<BindingUpdate>(run, "w1");
        QCOMPARE(updates.back().sequence, updates.front().sequence);
        QCOMPARE(messages<BindingAck>(run, "w1").back().status, std::uint8_t{135});
        QCOMPARE(run.registrar("map").find(*run.mobile().regionalCareOf())->careOfAddress, *run.mobile().onLinkCareOf());
        QVERIFY(run.serials("mn", "probe-received").back() > 990);
    }

    void aRestartedAnchorHasForgottenEverything()
    {
        Scenario s = stationary();
        s.faults = {RestartFault{TimePoint{6s}, "ha", 2s}};
        LabRun run(s);
        run.to(TimePoint{5s});
        QVERIFY(run.registrar("ha").find(homeAddress));
        run.to(TimePoint{7s});
        QVERIFY(!run.lab.isRunning(run.node("ha")));
        const auto before = run.out.frames.size();
        run.to(TimePoint{7999ms});
        for (std::size_t i = before; i < run.out.frames.size(); ++i) QVERIFY2(run.decoded(run.out.frames[i]).ethernet->source != run.lab.stack(run.node("ha")).mac(1), "a node that is down says nothing");
        run.to(TimePoint{9s});
        QVERIFY(run.lab.isRunning(run.node("ha")) && run.registrar("ha").bindings().empty());
        QCOMPARE(run.events("ha", "node-up").front(), TimePoint{8s});
    }

    void aRestartedMobileNodeRegistersAgain()
    {
        Scenario s = stationary();
        s.faults = {RestartFault{TimePoint{6s}, "mn", 500ms}};
        LabRun run(s);
        run.to(TimePoint{6200ms});
        QVERIFY(!run.lab.isRunning(run.node("mn")));
        run.to(TimePoint{20s});
        QVERIFY(run.registeredAtHome());
        QVERIFY(!run.events("mn", "binding-acknowledged", TimePoint{6500ms}).empty());
        QVERIFY(run.serials("mn", "probe-received").back() > 990);
    }

    void aRestartedSourceGoesOnWithItsProbes()
    {
        Scenario s = stationary();
        s.faults = {RestartFault{TimePoint{6005ms}, "cn", 1s}};
        LabRun run(s);
        run.to(TimePoint{10s});
        const auto serials = run.serials("cn", "probe-sent");
        QVERIFY(std::is_sorted(serials.begin(), serials.end()) && std::adjacent_find(serials.begin(), serials.end()) == serials.end());
        QCOMPARE(serials.size(), std::size_t{501 - 50});
    }

    void MN_DAD_05_anAddressThatAnotherNodeTook()
    {
        Scenario s = sampleScenario();
        lab::NodeSpec guest = s.nodes[1];
        guest.name = "guest";
        guest.interfaces = {lab::InterfaceSpec{"w2", "w2", prefix("2001:db8:a2::99/64"), {}, {}}};
        s.nodes.push_back(guest);
        const LabRun plain(sampleScenario());
        const Ipv6Address careOf = withInterfaceId(ip("2001:db8:a2::"), eui64(plain.lab.ports().back().mac));
        s.faults = {AddressFault{TimePoint{9s}, "guest", "w2", careOf}};
        LabRun run(s);
        run.to(TimePoint{20s});
        QVERIFY(first(run, "address-taken") && run.lab.stack(run.node("guest")).owns(careOf));
        QVERIFY2(first(run, "duplicate-address") && run.mobile().onLinkCareOf() != careOf, "MN-DAD-05");
    }

    void clocksThatRunFastOrJump()
    {
        Scenario s = stationary();
        s.nodes[5].lifetime = 60s;
        s.duration = 100s;
        s.traffic.clear();
        const auto refresh = [&](std::vector<lab::FaultSpec> faults) {
            Scenario other = s;
            other.faults = std::move(faults);
            LabRun run(other);
            run.to(TimePoint{100s});
            const auto all = run.events("mn", "local-binding-update", TimePoint{10s});
            return all.empty() ? TimePoint{} : all.front();
        };
        const TimePoint plain = refresh({});
        QVERIFY(plain > TimePoint{50s} && plain < TimePoint{60s});
        const TimePoint fast = refresh({ClockFault{TimePoint{5s}, "mn", Duration{0}, 1'000'000}});
        QVERIFY2(near(fast, TimePoint{5s} + (plain - TimePoint{5s}) / 2), "twice as fast from 5 s on");
        const TimePoint jumped = refresh({ClockFault{TimePoint{5s}, "mn", 20s, 0}});
        QVERIFY2(near(jumped, plain - 20s), "20 s ahead from 5 s on");
        const TimePoint slow = refresh({ClockFault{TimePoint{5s}, "mn", Duration{0}, -400'000}});
        QVERIFY2(near(slow, TimePoint{5s} + (plain - TimePoint{5s}) * 10 / 6), "0.6 times as fast");
    }

    /// A packet that a person has a node send is sent at the node's own time, as everything else of it.
    void ordersAreGivenInTheNodesOwnTime()
    {
        Scenario s = stationary();
        s.traffic.clear();
        s.faults = {ClockFault{TimePoint{5s}, "ha", 3600s, 0}};
        LabRun run(s);
        run.to(TimePoint{6s});
        run.out.clear();
        const Ipv6Address nobody = ip("2001:db8:100::77");
        run.lab.originate(TimePoint{6s}, run.node("ha"), datagramOf(ip("2001:db8:100::1"), nobody, 4000, 4000), run.out);
        const auto asked = [&] {
            const auto all = messages<wire::NeighborSolicitation>(run, "home");
            return std::count_if(all.begin(), all.end(), [&](const wire::NeighborSolicitation& ns) { return ns.target == nobody; });
        };
        run.to(TimePoint{6500ms});
        QCOMPARE(asked(), 1);
        run.to(TimePoint{12s});
        QCOMPARE(asked(), 3);
    }

private:
    static bool near(TimePoint a, TimePoint b) { return a < b + 10ms && b < a + 10ms; }
};

QTEST_APPLESS_MAIN(TestLabTroubles)
#include "test_lab_troubles.moc"
