// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/trouble_settings.hpp"

namespace roamscope::capture {

using namespace lab;

namespace {

constexpr std::string_view probability = "a probability from 0 to 1";

template <class T>
constexpr T most = std::numeric_limits<T>::max();

const Settings<BurstSpec>& burstSettings()
{
    static const Settings<BurstSpec> settings{
        {"enter", [](const JsonValue& v, BurstSpec& out) { out.enter = v.number(probability); }, probability},
        {"leave", [](const JsonValue& v, BurstSpec& out) { out.leave = v.number(probability); }, probability},
        {"loss", [](const JsonValue& v, BurstSpec& out) { out.loss = v.number(probability); }},
    };
    return settings;
}

const Settings<ImpairmentSpec>& impairmentSettings()
{
    static const Settings<ImpairmentSpec> settings{
        {"from", [](const JsonValue& v, ImpairmentSpec& out) { v.list([&](const JsonValue& e) { out.from.push_back(e.string("the name of a node")); }); }},
        {"delay", [](const JsonValue& v, ImpairmentSpec& out) { out.delay = v.duration(); }},
        {"jitter", [](const JsonValue& v, ImpairmentSpec& out) { out.jitter = v.duration(); }},
        {"loss", [](const JsonValue& v, ImpairmentSpec& out) { out.loss = v.number(probability); }},
        {"burst", [](const JsonValue& v, ImpairmentSpec& out) { v.object(burstSettings(), out.burst.emplace()); }},
        {"duplicate", [](const JsonValue& v, ImpairmentSpec& out) { out.duplicate = v.number(probability); }},
        {"reorder", [](const JsonValue& v, ImpairmentSpec& out) { out.reorder = v.number(probability); }},
        {"reorder_by", [](const JsonValue& v, ImpairmentSpec& out) { out.reorderBy = v.duration(); }},
        {"corrupt", [](const JsonValue& v, ImpairmentSpec& out) { out.corrupt = v.number(probability); }},
        {"rate", [](const JsonValue& v, ImpairmentSpec& out) { out.rate = v.integer<std::uint64_t>(1000, 1'000'000'000'000); }},
        {"queue", [](const JsonValue& v, ImpairmentSpec& out) { out.queue = v.integer<std::uint32_t>(1, 100'000); }},
    };
    return settings;
}

const Settings<MessageChange>& changeSettings()
{
    static const Settings<MessageChange> settings{
        {"sequence", [](const JsonValue& v, MessageChange& out) { out.sequence = v.integer<std::uint16_t>(0, most<std::uint16_t>); }},
        {"status", [](const JsonValue& v, MessageChange& out) { out.status = v.integer<std::uint8_t>(0, most<std::uint8_t>); }},
        {"lifetime", [](const JsonValue& v, MessageChange& out) { out.lifetime = v.seconds(); }},
    };
    return settings;
}

// "do" has been read by readFault().
template <class T>
void skip(const JsonValue&, T&)
{
}

const Settings<MessageFault>& messageSettings()
{
    using Fault = MessageFault;
    static const std::vector<std::pair<std::string_view, Registration>> registrations{
        {"map", Registration::Map}, {"home", Registration::Home}, {"correspondent", Registration::Correspondent}};
    static const Settings<Fault> settings{
        {"do", skip<Fault>},
        {"message", [](const JsonValue& v, Fault& out) { out.match.message = v.string("a kind of message, such as \"BU\""); }, "a kind of message, such as \"BU\""},
        {"at", [](const JsonValue& v, Fault& out) { out.at = TimePoint{v.duration()}; }},
        {"link", [](const JsonValue& v, Fault& out) { out.match.link = v.string("the name of a link"); }},
        {"from", [](const JsonValue& v, Fault& out) { out.match.from = v.string("the name of a node"); }},
        {"source", [](const JsonValue& v, Fault& out) { out.match.source = v.address("2001:db8:100::1:1"); }},
        {"destination", [](const JsonValue& v, Fault& out) { out.match.destination = v.address("2001:db8:100::1"); }},
        {"registration", [](const JsonValue& v, Fault& out) { out.match.registration = v.choice(registrations); }},
        {"sequence", [](const JsonValue& v, Fault& out) { out.match.sequence = v.integer<std::uint16_t>(0, most<std::uint16_t>); }},
        {"status", [](const JsonValue& v, Fault& out) { out.match.status = v.integer<std::uint8_t>(0, most<std::uint8_t>); }},
        {"number", [](const JsonValue& v, Fault& out) { out.number = v.integer<std::uint32_t>(1, 1'000'000); }},
        {"count", [](const JsonValue& v, Fault& out) { out.count = v.integer<std::uint32_t>(1, 1'000'000); }},
        {"by", [](const JsonValue& v, Fault& out) { out.by = v.duration(); }},
        {"set", [](const JsonValue& v, Fault& out) { v.object(changeSettings(), out.change); }},
    };
    return settings;
}

const Settings<RestartFault>& restartSettings()
{
    using Fault = RestartFault;
    static const Settings<Fault> settings{
        {"do", skip<Fault>},
        {"at", [](const JsonValue& v, Fault& out) { out.at = TimePoint{v.duration()}; }, "a time such as \"10s\""},
        {"node", [](const JsonValue& v, Fault& out) { out.node = v.string(); }, "the name of a node"},
        {"down", [](const JsonValue& v, Fault& out) { out.down = v.duration(); }},
    };
    return settings;
}

const Settings<AddressFault>& addressSettings()
{
    using Fault = AddressFault;
    static const Settings<Fault> settings{
        {"do", skip<Fault>},
        {"at", [](const JsonValue& v, Fault& out) { out.at = TimePoint{v.duration()}; }, "a time such as \"10s\""},
        {"node", [](const JsonValue& v, Fault& out) { out.node = v.string(); }, "the name of a node"},
        {"interface", [](const JsonValue& v, Fault& out) { out.interface = v.string(); }, "the name of one of its interfaces"},
        {"address", [](const JsonValue& v, Fault& out) { out.address = v.address("2001:db8:a1::1"); }, "an IPv6 address"},
    };
    return settings;
}

const Settings<ClockFault>& clockSettings()
{
    using Fault = ClockFault;
    static const Settings<Fault> settings{
        {"do", skip<Fault>},
        {"at", [](const JsonValue& v, Fault& out) { out.at = TimePoint{v.duration()}; }, "a time such as \"10s\""},
        {"node", [](const JsonValue& v, Fault& out) { out.node = v.string(); }, "the name of a node"},
        {"step", [](const JsonValue& v, Fault& out) { out.step = v.duration(); }},
        {"drift", [](const JsonValue& v, Fault& out) { out.drift = v.integer<std::int32_t>(-500'000, 1'000'000); }},
    };
    return settings;
}

enum class Do : std::uint8_t { Drop, Corrupt, Delay, Replay, Change, Restart, TakeAddress, Clock };

FaultSpec messageFault(const JsonValue& value, MessageFault::Action action)
{
    MessageFault out;
    out.action = action;
    value.object(messageSettings(), out);
    return out;
}

template <class T>
FaultSpec nodeFault(const JsonValue& value, const Settings<T>& settings)
{
    T out;
    value.object(settings, out);
    return out;
}

}  // namespace

ImpairmentSpec readImpairment(const JsonValue& value)
{
    ImpairmentSpec out;
    value.object(impairmentSettings(), out);
    return out;
}

FaultSpec readFault(const JsonValue& value)
{
    static const std::vector<std::pair<std::string_view, Do>> kinds{{"drop", Do::Drop},       {"corrupt", Do::Corrupt}, {"delay", Do::Delay},
                                                                    {"replay", Do::Replay},   {"change", Do::Change},   {"restart", Do::Restart},
                                                                    {"take-address", Do::TakeAddress}, {"clock", Do::Clock}};
    struct Kind {
        Do what = Do::Drop;
    };
    static const Settings<Kind> kind{{"do", [](const JsonValue& v, Kind& out) { out.what = v.choice(kinds); }, "what the fault does, such as \"drop\""}};
    Kind chosen;
    value.take(kind, chosen);
    using Action = MessageFault::Action;
    switch (chosen.what) {
    case Do::Drop: break;
    case Do::Corrupt: return messageFault(value, Action::Corrupt);
    case Do::Delay: return messageFault(value, Action::Delay);
    case Do::Replay: return messageFault(value, Action::Replay);
    case Do::Change: return messageFault(value, Action::Change);
    case Do::Restart: return nodeFault(value, restartSettings());
    case Do::TakeAddress: return nodeFault(value, addressSettings());
    case Do::Clock: return nodeFault(value, clockSettings());
    }
    return messageFault(value, Action::Drop);
}

}  // namespace roamscope::capture
