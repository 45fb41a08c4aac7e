// SPDX-License-Identifier: GPL-3.0-or-later
// The commands of `role --control`. Each has one answer: {"answer": its name, …}, with "error" when it was not carried out.
#include "capture/run/role_message.hpp"
#include "capture/run/role_node.hpp"

#include <nlohmann/json.hpp>

#include <functional>

namespace roamscope::capture {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t maxProbes = 16;

/// Reads one command; faults name line and column in it.
class Order : public JsonFields {
public:
    explicit Order(std::string_view text) : JsonFields(text, "command") {}
    [[nodiscard]] const std::optional<Error>& error() const { return error_; }
};

tl::unexpected<Error> refused(std::string text) { return fail(ErrorCode::Invalid, 0, std::move(text)); }

Json bindingJson(const Ipv6Address& home, const node::BidBinding& part, std::uint16_t sequence, std::uint16_t flags, TimePoint now)
{
    return {{"home_address", home.text()}, {"bid", part.bid == 0 ? Json(nullptr) : Json(part.bid)}, {"care_of_address", part.careOfAddress.text()}, {"sequence", sequence}, {"flags", flags},
            {"lifetime", std::int64_t{part.granted.count()} * 4'000'000'000}, {"remaining", std::max<std::int64_t>(0, (part.expires - now).count())},
            {"bid_priority", part.priority}, {"home", part.home}};
}

Json prefixTexts(const std::vector<Prefix>& prefixes)
{
    Json list = Json::array();
    for (const Prefix& prefix : prefixes) list.push_back(prefix.text());
    return list;
}

/// Active: one of its identifiers is there.
Json flowsJson(const std::map<Ipv6Address, std::vector<node::Flow>>& all, const std::function<std::vector<node::BidBinding>(const Ipv6Address&)>& partsOf)
{
    Json list = Json::array();
    for (const auto& [home, flows] : all) {
        const auto parts = partsOf(home);
        const auto lives = [&](std::uint16_t bid) { return std::any_of(parts.begin(), parts.end(), [&](const node::BidBinding& b) { return b.bid == bid; }); };
        for (const node::Flow& flow : flows)
            list.push_back({{"home_address", home.text()}, {"flow", flow.flow}, {"priority", flow.priority}, {"bids", flow.bids}, {"active", std::any_of(flow.bids.begin(), flow.bids.end(), lives)}});
    }
    return list;
}

Json registrationJson(const Ipv6Address& peer, const Ipv6Address& home, const std::optional<Ipv6Address>& careOf)
{
    return {{"peer", peer.text()}, {"home_address", home.text()}, {"bid", nullptr}, {"care_of_address", careOf ? Json(careOf->text()) : Json(nullptr)}};
}

Json withFlows(Json bindings, const Json& flows)
{
    Json out{{"bindings", std::move(bindings)}};
    if (!flows.empty()) out["flows"] = flows;
    return out;
}

/// Of a home agent or MAP.
Json anchorBindings(const node::Anchor& anchor, TimePoint now)
{
    Json list = Json::array();
    const node::Registrar& registrar = anchor.registrar();
    for (const node::Binding& b : registrar.bindings()) {
        if (b.state != node::Binding::State::Valid) continue;
        for (const node::BidBinding& part : b.parts()) {
            list.push_back(bindingJson(b.homeAddress, part, b.sequence, b.flags, now));
            if (registrar.mobileRouters().contains(b.homeAddress)) list.back()["networks"] = prefixTexts(registrar.mobileRouters().prefixesOf(b.homeAddress));
            if (b.regional && part.bid != 0) list.back()["extension"] = true;  // RFC 5648 has no word about MAPs
        }
    }
    return withFlows(std::move(list), flowsJson(anchor.flows(), [&](const Ipv6Address& home) { return registrar.find(home) ? registrar.find(home)->parts() : std::vector<node::BidBinding>{}; }));
}

Json cacheBindings(const node::CorrespondentCache& cache, TimePoint now)
{
    Json list = Json::array();
    for (const auto& [home, b] : cache.bindings())
        if (b.state == node::CorrespondentBinding::State::Live)
            for (const node::BidBinding& part : b.parts()) list.push_back(bindingJson(home, part, b.sequence, 0, now));
    return list;
}

Json correspondentBindings(const node::Correspondent& correspondent, TimePoint now)
{
    const node::CorrespondentCache& cache = correspondent.cache();
    return withFlows(cacheBindings(cache, now), flowsJson(correspondent.flows(), [&](const Ipv6Address& home) { return cache.find(home) ? cache.find(home)->parts() : std::vector<node::BidBinding>{}; }));
}

void addRegistration(Json& list, const node::Association& a, TimePoint now)
{
    if (!a.registered(now)) return;
    list.push_back(registrationJson(a.peer(), a.home(), a.registeredCareOf()));
    list.back()["remaining"] = (a.expires() - now).count();
}

/// With identifiers: a row for each; those at a MAP are an extension of ours.
void addRegistrations(Json& list, const node::BidRegistration& paths, TimePoint now)
{
    for (const auto& slot : paths.entries()) {
        if (!slot.bound || now >= slot.expires) continue;
        list.push_back(registrationJson(paths.peer(), paths.home(), slot.registered));
        Json& row = list.back();
        row["bid"] = slot.path.bid;
        row["bid_priority"] = slot.path.priority;
        row["home"] = slot.path.home;
        row["status"] = slot.status;
        row["remaining"] = (slot.expires - now).count();
    }
}

Json mobileBindings(const node::MobileNode& mobile, TimePoint now)
{
    Json registrations = Json::array();
    for (const auto& [map, association] : mobile.maps()) addRegistration(registrations, association, now);
    for (const node::MobileNode::Home& home : mobile.homes()) addRegistration(registrations, home.association, now);
    for (const auto& [map, paths] : mobile.mapPaths()) addRegistrations(registrations, paths, now);
    for (const node::MobileNode::Home& home : mobile.homes()) addRegistrations(registrations, home.paths, now);
    for (const auto& [key, peer] : mobile.peers())
        if (const auto careOf = peer.registeredCareOf(now)) registrations.push_back(registrationJson(key.second, key.first, careOf));
    return Json{{"bindings", cacheBindings(mobile.cache(), now)}, {"registrations", registrations}};
}

struct ProbeOrder {
    std::optional<bool> start;
    std::uint16_t flow = 1;
    double rate = 50;
    std::uint32_t size = 100;
    std::optional<Ipv6Address> from;
    std::optional<Ipv6Address> to;
};

struct AttachOrder {
    std::string interface;
    bool up = true;
};

using RevokeOrder = node::Anchor::Revocation;

template <class T>
void ignore(const JsonValue&, T&)
{
}

}  // namespace

std::string RoleNode::obey(TimePoint now, std::string_view line)
{
    Order order(line);
    std::string name;
    Json id;
    const auto tree = parseJson(line, "command");
    Answer answer = tree ? Answer(Json::object()) : Answer(tl::unexpected(tree.error()));
    if (tree) {
        const std::string root;
        const JsonValue command(order, *tree, root);
        if (tree->kind == JsonNode::Kind::Object) {
            command.optional("command", [&](const JsonValue& v) { name = v.string("the command's name"); });
            command.optional("id", [&](const JsonValue& v) { id = v.kind() == JsonNode::Kind::Number ? Json(v.integer<std::int64_t>(INT64_MIN, INT64_MAX)) : Json(v.string("a string or a number")); });
        }
        if (name.empty()) answer = refused("expected one JSON object a line, such as {\"command\":\"bindings\"}");
        else if (!order.failed()) answer = name == "set" ? set(now, command, line) : carryOut(now, name, command);
        if (order.failed()) answer = tl::unexpected(*order.error());
    }
    Json out{{"answer", name}};
    if (!id.is_null()) out["id"] = id;
    if (answer) out.update(*answer);
    else out["error"] = answer.error().text;
    return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

RoleNode::Answer RoleNode::carryOut(TimePoint now, const std::string& name, const JsonValue& command)
{
    const auto bare = [&] { return command.onlyHas({"command", "id"}); };
    if (name == "bindings") return bare() ? bindings(now) : Answer(Json::object());
    if (name == "stop") {
        stopped_ = bare();
        return Json::object();
    }
    if (name == "attach") return attach(now, command);
    if (name == "send") return send(now, command);
    if (name == "revoke") return revoke(now, command);
    if (name == "probe") return probe(now, command);
    return refused("unknown command: expected bindings, attach, send, revoke, probe, set or stop");
}

RoleNode::Answer RoleNode::bindings(TimePoint now) const
{
    if (const auto* anchor = lab_.nodeAs<node::Anchor>(0)) return anchorBindings(*anchor, now);
    if (const auto* correspondent = lab_.nodeAs<node::Correspondent>(0)) return correspondentBindings(*correspondent, now);
    if (const auto* mobile = lab_.nodeAs<node::MobileNode>(0)) return mobileBindings(*mobile, now);
    return withFlows(Json::array(), {});
}

std::optional<std::size_t> RoleNode::interfaceNamed(std::string_view name) const
{
    const auto& interfaces = lab_.scenario().nodes[0].interfaces;
    for (std::size_t i = 0; i < interfaces.size(); ++i)
        if (interfaces[i].name == name) return i;
    return std::nullopt;
}

RoleNode::Answer RoleNode::attach(TimePoint now, const JsonValue& command)
{
    static const Settings<AttachOrder> keys{
        {"command", ignore<AttachOrder>},
        {"id", ignore<AttachOrder>},
        {"interface", [](const JsonValue& v, AttachOrder& out) { out.interface = v.string(); }, "the name of an interface of this node"},
        {"up", [](const JsonValue& v, AttachOrder& out) { out.up = v.boolean(); }, "true or false"},
    };
    AttachOrder order;
    command.object(keys, order);
    if (command.failed()) return Json::object();
    const auto interface = interfaceNamed(order.interface);
    if (!interface) return refused(fmt::format("no interface is named \"{}\"", order.interface));
    lab_.move(now, *interface, order.up ? std::optional(*interface) : std::nullopt, out_);
    return Json{{"interface", order.interface}, {"up", order.up}};
}

Ipv6Address RoleNode::sourceFor(const Ipv6Address& destination) const
{
    const auto& stack = lab_.stack(0);
    const auto on = stack.interfaceOf(destination);
    for (std::size_t pass = 0; pass < 2; ++pass)
        for (std::size_t i = 0; i < stack.interfaceCount(); ++i)
            for (const node::InterfaceAddress& a : stack.addresses(i))
                if ((pass == 1 || on == i) && stack.owns(a.address) && a.address.isLinkLocal() == destination.isLinkLocal()) return a.address;
    return {};
}

RoleNode::Answer RoleNode::send(TimePoint now, const JsonValue& command)
{
    SendOrder order = readSendOrder(command);
    if (command.failed()) return Json::object();
    if (order.frame) {
        const auto interface = interfaceNamed(order.interface);
        if (!interface) return refused(fmt::format("no interface is named \"{}\"", order.interface));
        if (!lab_.ports()[*interface].link) return refused(fmt::format("\"{}\" is down: \"attach\" it first", order.interface));
        const std::size_t octets = order.frame->size();
        lab_.sendFrame(now, *interface, std::move(*order.frame), out_);
        return Json{{"octets", octets}};
    }
    finishPacket(order, sourceFor(order.packet.destination));
    if (order.packet.source.isUnspecified() && !order.keepChecksum) return refused("the node has no address for this destination yet: give \"from\"");
    const Json done{{"from", order.packet.source.text()}, {"to", order.packet.destination.text()}, {"octets", wire::emitIpv6(order.packet).size()}};
    lab_.originate(now, 0, std::move(order.packet), out_);
    return done;
}

RoleNode::Answer RoleNode::revoke(TimePoint now, const JsonValue& command)
{
    static const Settings<RevokeOrder> keys{
        {"command", ignore<RevokeOrder>},
        {"id", ignore<RevokeOrder>},
        {"home_address", [](const JsonValue& v, RevokeOrder& out) { out.homeAddress = v.address("2001:db8:100::1:1"); }, "the binding's home address"},
        {"bids", [](const JsonValue& v, RevokeOrder& out) { v.list([&](const JsonValue& e) { out.bids.push_back(e.integer<std::uint16_t>(1, 0xffff)); }); }},
        {"notify", [](const JsonValue& v, RevokeOrder& out) { out.notify = v.boolean(); }},
    };
    RevokeOrder order;
    command.object(keys, order);
    if (command.failed()) return Json::object();
    std::sort(order.bids.begin(), order.bids.end());
    order.bids.erase(std::unique(order.bids.begin(), order.bids.end()), order.bids.end());
    if (!order.bids.empty() && !lab_.nodeAs<node::Anchor>(0)) return refused("only a home agent or MAP revokes by binding identifier (RFC 5846): leave out \"bids\"");
    if (!lab_.revoke(now, 0, order, out_))
        return refused(order.bids.empty() ? fmt::format("no binding for {}", order.homeAddress.text()) : fmt::format("{} has no binding with each of these identifiers", order.homeAddress.text()));
    return Json{{"home_address", order.homeAddress.text()}};
}

RoleNode::Answer RoleNode::probe(TimePoint now, const JsonValue& command)
{
    static const Settings<ProbeOrder> keys{
        {"command", ignore<ProbeOrder>},
        {"id", ignore<ProbeOrder>},
        {"action", [](const JsonValue& v, ProbeOrder& out) { out.start = v.choice<bool>({{"start", true}, {"stop", false}}); }, "start or stop"},
        {"flow", [](const JsonValue& v, ProbeOrder& out) { out.flow = v.integer<std::uint16_t>(0, 0xffff); }},
        {"from", [](const JsonValue& v, ProbeOrder& out) { out.from = v.address("2001:db8:200::c"); }},
        {"to", [](const JsonValue& v, ProbeOrder& out) { out.to = v.address("2001:db8:100::1:1"); }},
        {"rate", [](const JsonValue& v, ProbeOrder& out) { out.rate = v.number("probes a second"); }},
        {"size", [](const JsonValue& v, ProbeOrder& out) { out.size = v.integer<std::uint32_t>(20, 1200); }},
    };
    ProbeOrder order;
    command.object(keys, order);
    if (command.failed()) return Json::object();
    const auto it = probes_.find(order.flow);
    if (!*order.start) {
        if (it == probes_.end()) return refused(fmt::format("flow {} does not run", order.flow));
        const Json done{{"flow", order.flow}, {"sent", it->second.sent}, {"answered", it->second.answered}};
        probes_.erase(it);
        return done;
    }
    if (!order.to) return refused("expected \"to\", whom the probes are for");
    if (!(order.rate >= 0.001 && order.rate <= 100'000)) return refused("\"rate\": expected 0.001 to 100000 a second");
    if (it != probes_.end()) return refused(fmt::format("flow {} runs already: stop it first", order.flow));
    if (probes_.size() >= maxProbes) return refused(fmt::format("{} flows run already: stop one first", maxProbes));
    const auto& home = lab_.scenario().nodes[0].homeAddress;
    const Ipv6Address from = order.from.value_or(home.value_or(sourceFor(*order.to)));
    if (from.isUnspecified()) return refused("the node has no address for this destination yet: give \"from\"");
    const auto interval = Duration{static_cast<std::int64_t>(1e9 / order.rate)};
    probes_.emplace(order.flow, Probing{node::TrafficSource({order.flow, from, *order.to, interval, order.size, now})});
    return Json{{"flow", order.flow}, {"from", from.text()}, {"to", order.to->text()}};
}

RoleNode::Answer RoleNode::set(TimePoint now, const JsonValue& command, std::string_view line)
{
    if (!command.onlyHas({"command", "id", "settings"})) return Json::object();
    const auto given = Json::parse(line, nullptr, false, true);
    if (!given.contains("settings") || !given["settings"].is_object()) return refused("expected \"settings\", an object with keys of the configuration");
    // RFC 7386: objects are merged, lists and values replaced, null takes a key away.
    Json text = Json::parse(file_.text, nullptr, false, true);
    text.merge_patch(given["settings"]);
    RoleFile file = file_;
    file.text = text.dump();
    auto read = parseRoleFile(file.text, "settings", file.role, file.taps);
    if (!read) return tl::unexpected(read.error());
    if (auto done = lab_.configure(now, 0, read->scenario.nodes[0], out_); !done) return tl::unexpected(done.error());
    file_ = std::move(*read);
    return Json{{"settings", given["settings"]}};
}

}  // namespace roamscope::capture
