// SPDX-License-Identifier: GPL-3.0-or-later
// The anomalies A01 to A18: a frame or exchange that breaks exactly one rule raises exactly one finding, with that rule, its
// RFC section and the octets that show it; the same one put right raises none. Each also in a tunnel, without Ethernet, in fragments.
#include "tests/support/anomaly_frames.hpp"

#include <QtTest>
#include <functional>

using namespace roamscope;
using namespace roamscope::analysis;
using namespace roamscope::test;
using namespace roamscope::test::anomaly;

using wire::Severity;

namespace {

/// Where things stand in these frames: Ethernet, IPv6, a home address option or type 2 routing header, the message.
constexpr std::uint32_t ipHeader = 14, extension = ipHeader + 40, message = extension + 24, bareMessage = extension;

/// What must be found: rule, severity, section, the frame (time and link), octets.
struct Expected {
    const char* rule;
    Severity severity;
    const char* rfc;
    Duration time;
    std::uint32_t link;
    std::uint32_t offset;
    std::uint32_t length;
};

struct Row {
    const char* name;
    std::function<void(Net&)> wrong;
    Expected expected;
    std::function<void(Net&)> right;
};

/// Frames at 1 s on w1.
std::function<void(Net&)> one(Bytes (*packet)(const Net&))
{
    return [packet](Net& net) { net.add(1s, Net::w1, mn.interface, net.arRadio[0], packet(net)); };
}

Row bidLength(const char* name, std::size_t length)
{
    // The option is the first one, at its place 8n+2 in the message.
    return {name, [length](Net& net) { single(net, rawBid(net, length)); },
            {"MCOA-HA-02", Severity::Error, "RFC 5648 §6.2", 1s, Net::w1, message + 18, static_cast<std::uint32_t>(length + 2)},
            [](Net& net) { single(net, rawBid(net, 20)); }};
}

Row mapAddress(const char* name, const char* address)
{
    return {name, [address](Net& net) { single(net, mapAdvertisement(net, 1, ip(address))); },
            {"HMIP-AR-03", Severity::Error, "RFC 5380 §5", 1s, Net::w1, extension + 16 + 8, 16},
            [](Net& net) { single(net, mapAdvertisement(net, 1, net.map)); }};
}

/// A router on `link` withdraws the MAP, or does not; then w1 shows a local update with this lifetime.
std::function<void(Net&)> afterAdvertisement(std::uint32_t mapLifetime, std::uint32_t link = Net::w1, std::uint16_t lifetime = 600)
{
    return [=](Net& net) {
        net.add(1s, link, net.arRadio[0], mn.interface, mapAdvertisement(net, 1, net.map, mapLifetime));
        net.add(2s, Net::w1, mn.interface, net.arRadio[0], update({net.careOf(mn, Net::w1), net.map, net.regional(mn), std::nullopt, A | M, 1, lifetime}));
    };
}

void addFrameRows(std::vector<Row>& t)
{
    const Expected checksum{"MH-RX-01", Severity::Error, "RFC 6275 §6.1.1", 1s, Net::w1, message + 4, 2};
    const auto goodUpdate = one([](const Net& net) { return update(net.homeSpec(mn, 1)); });
    const auto goodAnswer = one([](const Net& net) { return answer({net.ha, net.regional(mn), mn.home, 0, 1, 600}); });
    t.push_back({"A01 checksum of an update with home address option",
                 one([](const Net& net) { return flipped(update(net.homeSpec(mn, 1)), message - ipHeader + 4); }), checksum, goodUpdate});
    t.push_back({"A01 checksum computed without the home address", one([](const Net& net) { return updateSummedOverCareOf(net); }), checksum, goodUpdate});
    t.push_back({"A01 checksum of an acknowledgement with routing header",
                 one([](const Net& net) { return flipped(answer({net.ha, net.regional(mn), mn.home, 0, 1, 600}), message - ipHeader + 5); }), checksum,
                 goodAnswer});
    t.push_back({"A01 checksum computed with the care-of address for the destination", one([](const Net& net) { return answerSummedOverCareOf(net); }),
                 checksum, goodAnswer});

    t.push_back({"A02 payload protocol not 59", one([](const Net& net) { return patchedUpdate(net, 0, 58); }),
                 {"MH-RX-01", Severity::Error, "RFC 6275 §9.2", 1s, Net::w1, message, 1}, one([](const Net& net) { return patchedUpdate(net, 0, 59); })});
    t.push_back({"A03 header length shorter than the fixed part", one([](const Net& net) { return shortUpdate(net, 0); }),
                 {"MH-RX-01", Severity::Error, "RFC 6275 §9.2", 1s, Net::w1, message + 1, 1}, one([](const Net& net) { return shortUpdate(net, 1); })});
    t.push_back({"A03 option that runs past the end", one([](const Net& net) { return patchedUpdate(net, 15, 17); }),
                 {"MH-RX-01", Severity::Error, "RFC 6275 §6.2.1", 1s, Net::w1, message + 14, 18}, one([](const Net& net) { return patchedUpdate(net, 15, 16); })});

    t.push_back({"A08 binding identifier 0", one([](const Net& net) { return withBids(net, {0}); }),
                 {"MCOA-MN-01", Severity::Warning, "RFC 5648 §4.3", 1s, Net::w1, message + 18 + 2, 2}, one([](const Net& net) { return withBids(net, {1}); })});
    t.push_back({"A09 the same identifier twice", one([](const Net& net) { return withBids(net, {7, 7}); }),
                 {"MCOA-MN-01", Severity::Error, "RFC 5648 §5.1", 1s, Net::w1, message + 42, 22}, one([](const Net& net) { return withBids(net, {7, 8}); })});
    for (const auto& [name, length] : {std::pair{"A10 length 0", 0}, {"A10 length 1", 1}, {"A10 length 3", 3}, {"A10 length 5", 5}, {"A10 length 7", 7},
                                       {"A10 length 9", 9}, {"A10 length 12", 12}, {"A10 length 16", 16}, {"A10 length 19", 19}, {"A10 length 21", 21},
                                       {"A10 length 36", 36}})
        t.push_back(bidLength(name, std::size_t(length)));
    t.push_back({"A11 identifier together with alternate care-of address", one([](const Net& net) { return withBids(net, {1}, true); }),
                 {"MCOA-MN-05", Severity::Error, "RFC 5648 §5.2", 1s, Net::w1, message + 14, 18}, one([](const Net& net) { return withBids(net, {1}, false); })});

    t.push_back({"A12 authorization data before another option", one([](const Net& net) { return authorized(net, {5, 4}); }),
                 {"", Severity::Error, "RFC 6275 §6.2.7", 1s, Net::w1, message + 12, 14}, one([](const Net& net) { return authorized(net, {4, 5}); })});
    t.push_back({"A12 padding behind authorization data", one([](const Net& net) { return authorized(net, {4, 5, 1}); }),
                 {"", Severity::Error, "RFC 6275 §6.2.7", 1s, Net::w1, message + 18, 14}, one([](const Net& net) { return authorized(net, {4, 5}); })});

    const auto routing = [](std::uint32_t offset, std::uint32_t length) {
        return Expected{"MN-RX-02", Severity::Error, "RFC 6275 §6.4.1", 1s, Net::w1, offset, length};
    };
    const auto goodRouting = one([](const Net& net) { return routed(net, 2, 1); });
    t.push_back({"A13 no segment left", one([](const Net& net) { return routed(net, 2, 0); }), routing(extension + 3, 1), goodRouting});
    t.push_back({"A13 two segments left", one([](const Net& net) { return routed(net, 2, 2); }), routing(extension + 3, 1), goodRouting});
    t.push_back({"A13 no segment left, before user data", one([](const Net& net) { return routed(net, 2, 0, true); }), routing(extension + 3, 1),
                 one([](const Net& net) { return routed(net, 2, 1, true); })});
    t.push_back({"A13 routing header of length 4", one([](const Net& net) { return routed(net, 4, 1); }), routing(extension + 1, 1), goodRouting});
    t.push_back({"A13 routing header of length 4, before user data", one([](const Net& net) { return routed(net, 4, 1, true); }), routing(extension + 1, 1),
                 goodRouting});
    t.push_back({"A13 routing header of length 0", one([](const Net& net) { return routed(net, 0, 1); }), routing(extension + 1, 1), goodRouting});
    t.push_back({"A13 two home addresses in one header", one([](const Net& net) { return homeAddresses(net, {2}); }),
                 {"", Severity::Error, "RFC 6275 §6.3", 1s, Net::w1, extension + 30, 18}, one([](const Net& net) { return homeAddresses(net, {1}); })});
    t.push_back({"A13 two home addresses in two headers of one packet", one([](const Net& net) { return homeAddresses(net, {1, 1}); }),
                 {"", Severity::Error, "RFC 6275 §6.3", 1s, Net::w1, extension + 30, 18}, one([](const Net& net) { return homeAddresses(net, {1}); })});

    t.push_back({"A14 MAP option with distance 0", one([](const Net& net) { return mapAdvertisement(net, 0, net.map); }),
                 {"HMIP-AR-03", Severity::Error, "RFC 5380 §5", 1s, Net::w1, extension + 16 + 2, 1},
                 one([](const Net& net) { return mapAdvertisement(net, 1, net.map); })});
    t.push_back(mapAddress("A14 link-local MAP", "fe80::1"));
    t.push_back(mapAddress("A14 multicast MAP", "ff0e::1"));
    t.push_back(mapAddress("A14 loopback MAP", "::1"));
    t.push_back(mapAddress("A14 unspecified MAP", "::"));
}

void addUpdateRows(std::vector<Row>& t)
{
    const auto flags = [](const char* rule, const char* rfc, std::uint32_t at) { return Expected{rule, Severity::Error, rfc, 1s, Net::w1, at + 8, 2}; };
    const auto goodHome = one([](const Net& net) { return update(net.homeSpec(mn, 1)); });
    t.push_back({"A04 home registration without alternate care-of address",
                 one([](const Net& net) { return update({net.regional(mn), net.ha, mn.home, std::nullopt, A | H, 1, 600}); }),
                 flags("MN-BU-02", "RFC 6275 §11.7.1", message), goodHome});
    t.push_back({"A04 de-registration sent while away",
                 one([](const Net& net) { return update({net.regional(mn), net.ha, mn.home, std::nullopt, A | H, 1, 0}); }),
                 flags("MN-BU-02", "RFC 6275 §11.7.1", message),
                 one([](const Net& net) { return update({net.regional(mn), net.ha, mn.home, net.regional(mn), A | H, 1, 0}); })});
    t.push_back({"A04 authentication header of the tunnel only",
                 one([](const Net& net) { return tunnelUnderAh(net, update({net.regional(mn), net.ha, mn.home, std::nullopt, A | H, 1, 600})); }),
                 flags("MN-BU-02", "RFC 6275 §11.7.1", message + 40 + 24), one([](const Net& net) { return tunnelUnderAh(net, update(net.homeSpec(mn, 1))); })});
    t.push_back({"A05 home registration without A", one([](const Net& net) { return update({net.regional(mn), net.ha, mn.home, net.regional(mn), H, 1, 600}); }),
                 flags("MN-BU-01", "RFC 6275 §11.7.1", message), goodHome});
    t.push_back({"A05 de-registration from home without A", one([](const Net& net) { return update({mn.home, net.ha, std::nullopt, std::nullopt, H, 1, 0}); }),
                 flags("MN-HOME-01", "RFC 6275 §11.5.5", bareMessage),
                 one([](const Net& net) { return update({mn.home, net.ha, std::nullopt, std::nullopt, A | H, 1, 0}); })});
    t.push_back({"SEC-03 local update under ESP without alternate care-of address", one([](const Net& net) { return localUnderEsp(net, false); }),
                 {"SEC-03", Severity::Note, "RFC 4877 §4.3", 1s, Net::w1, message + 8 + 8, 2}, one([](const Net& net) { return localUnderEsp(net, true); })});
    const auto goodLocal = one([](const Net& net) { return update(net.localSpec(mn, Net::w1, 1)); });
    t.push_back({"A06 local update without A",
                 one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.map, net.regional(mn), std::nullopt, M, 1, 600}); }),
                 flags("HMIP-MN-09", "RFC 5380 §4", message), goodLocal});
    t.push_back({"A07 home registration from a foreign link without home address",
                 one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.ha, std::nullopt, net.careOf(mn, Net::w1), A | H, 1, 600}); }),
                 flags("MN-BU-01", "RFC 6275 §11.7.1", bareMessage), goodHome});
    t.push_back({"A07 registration of an identifier without home address", one([](const Net& net) { return bidWithoutHomeAddress(net, false); }),
                 flags("MN-BU-01", "RFC 6275 §11.7.1", bareMessage), one([](const Net& net) { return bidWithoutHomeAddress(net, true); })});
    t.push_back({"A07 update to a correspondent without home address",
                 one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.cn, std::nullopt, std::nullopt, A, 1, 400}); }),
                 flags("", "RFC 6275 §11.7.2", bareMessage),
                 one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.cn, mn.home, std::nullopt, A, 1, 400}); })});
    t.push_back({"A07 local update without home address",
                 one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.map, std::nullopt, std::nullopt, A | M, 1, 600}); }),
                 flags("HMIP-MN-10", "RFC 5380 §6.1", bareMessage), goodLocal});
    t.push_back({"MAP in use that was advertised with lifetime 0", afterAdvertisement(0),
                 {"HMIP-MN-06", Severity::Error, "RFC 5380 §7.1", 2s, Net::w1, message + 8, 2}, afterAdvertisement(3600)});
    const auto localFor = [](bool home) {
        return [home](Net& net) {
            net.registerFirst(mn);
            UpdateSpec spec = net.localSpec(mn, Net::w1, 9);
            if (home) spec.home = mn.home;
            net.up(mn, Net::w1, 20s, update(spec));
        };
    };
    t.push_back({"A07 local update for the home address", localFor(true),
                 {"HMIP-MN-10", Severity::Error, "RFC 5380 §6.1", 20s, Net::w1, extension + 8, 16}, localFor(false)});
}

/// A local registration with this number, answered with that status and lifetime.
void local(Net& net, Duration t, std::uint16_t sequence, std::uint16_t asked = 600, std::uint16_t granted = 600, std::uint8_t status = 0)
{
    net.localUpdate(mn, Net::w1, t, sequence, asked);
    net.localAnswer(mn, Net::w1, t + 100ms, sequence, status, granted);
}

Row answered(const char* name, std::uint16_t number, Expected expected, std::uint16_t right)
{
    const auto build = [](std::uint16_t n) {
        return [n](Net& net) {
            local(net, 1s, 10);
            net.localUpdate(mn, Net::w1, 20s, 11);
            net.localAnswer(mn, Net::w1, 20100ms, n);
        };
    };
    return {name, build(number), expected, build(right)};
}

Row replayed(const char* name, std::uint16_t first, std::uint16_t second, std::uint16_t right)
{
    const auto build = [first](std::uint16_t then) {
        return [first, then](Net& net) {
            local(net, 1s, first);
            local(net, 20s, then);
        };
    };
    return {name, build(second), {"HA-BU-02", Severity::Error, "RFC 6275 §9.5.1", 20100ms, Net::domain, message + 8, 2}, build(right)};
}

std::function<void(Net&)> registeredFor(std::uint16_t seconds, bool correspondent)
{
    return [=](Net& net) {
        local(net, 1s, 10, 600, 400);
        UpdateSpec spec = net.homeSpec(mn, 1, seconds);
        if (correspondent) {
            spec.destination = net.cn;
            spec.flags = A;
            spec.alternate.reset();
        }
        net.add(2s, Net::core, net.mapCore, net.haMac, update(spec));
    };
}

std::function<void(Net&)> mapAnswer(std::optional<Ipv6Address> (*home)(const Net&))
{
    return [home](Net& net) {
        net.localUpdate(mn, Net::w1, 1s, 10);
        net.down(mn, Net::w1, 1100ms, answer({net.map, net.careOf(mn, Net::w1), home(net), 0, 10, 600}));
    };
}

void addExchangeRows(std::vector<Row>& t)
{
    const Expected unmatched{"MN-BU-08", Severity::Error, "RFC 6275 §11.7.3", 20100ms, Net::domain, message + 8, 2};
    t.push_back(answered("A15 acknowledgement of no update", 0x1234, unmatched, 11));
    t.push_back(answered("A15 one more than the update", 12, unmatched, 11));
    t.push_back(replayed("A16 the same number accepted again", 10, 10, 11));
    t.push_back(replayed("A16 a smaller number accepted", 10, 9, 11));
    t.push_back(replayed("A16 half the space behind", 10, 10 + 32768, 10 + 32767));
    t.push_back(replayed("A16 backwards over zero", 0, 65535, 1));
    t.push_back({"A17 more granted than asked for", [](Net& net) { local(net, 1s, 10, 400, 404); },
                 {"HA-BU-05", Severity::Error, "RFC 6275 §10.3.1", 1100ms, Net::domain, message + 10, 2}, [](Net& net) { local(net, 1s, 10, 400, 400); }});
    const Expected longer{"HMIP-MN-15", Severity::Error, "RFC 5380 §6.1", 2s, Net::core, message + 10, 2};
    t.push_back({"A17 home lifetime beyond the MAP's", registeredFor(404, false), longer, registeredFor(400, false)});
    t.push_back({"A17 correspondent's lifetime beyond the MAP's", registeredFor(404, true), longer, registeredFor(400, true)});
    const auto withRegional = mapAnswer([](const Net& net) -> std::optional<Ipv6Address> { return net.regional(mn); });
    t.push_back({"A18 MAP answers without routing header", mapAnswer([](const Net&) -> std::optional<Ipv6Address> { return std::nullopt; }),
                 {"HMIP-MN-12", Severity::Error, "RFC 5380 §6.2", 1100ms, Net::domain, ipHeader, 40}, withRegional});
    t.push_back({"A18 MAP answers with another address", mapAnswer([](const Net&) -> std::optional<Ipv6Address> { return mn.home; }),
                 {"HMIP-MN-12", Severity::Error, "RFC 5380 §6.2", 1100ms, Net::domain, extension + 8, 16}, withRegional});
    const auto order = [](Duration answered) {
        return [answered](Net& net) {
            net.localUpdate(mn, Net::w1, 1s, 10);
            net.localAnswer(mn, Net::w1, answered, 10);
            net.add(1500ms, Net::core, net.mapCore, net.haMac, update(net.homeSpec(mn, 1)));
        };
    };
    t.push_back({"A18 registered at home before the MAP answered", order(2s),
                 {"HMIP-MN-13", Severity::Warning, "RFC 5380 §6.1", 1500ms, Net::core, message + 8, 2}, order(1100ms)});
}

const std::vector<Row>& rows()
{
    static const std::vector<Row> table = [] {
        std::vector<Row> t;
        addFrameRows(t);
        addUpdateRows(t);
        addExchangeRows(t);
        return t;
    }();
    return table;
}

struct GoodRow {
    const char* name;
    std::function<void(Net&)> build;
};

/// What the rules except, and what stands just beside them.
const std::vector<GoodRow>& goodRows()
{
    static const std::vector<GoodRow> table{
        {"A01 nothing can be checked inside ESP", one([](const Net& net) { return encrypted(net); })},
        {"A04 identifier with its own care-of address", one([](const Net& net) { return withBids(net, {1}); })},
        {"A04 identifier without address", one([](const Net& net) { return rawBid(net, 4); })},
        {"A04 IPv4 care-of address", one([](const Net& net) { return withIpv4CareOf(net); })},
        {"A04 under AH", one([](const Net& net) { return underAh(net, {net.regional(mn), net.ha, mn.home, std::nullopt, A | H, 1, 600}); })},
        {"A04 under AH in a tunnel",
         one([](const Net& net) {
             return tunnel(net.careOf(mn, Net::w1), net.map, underAh(net, {net.regional(mn), net.ha, mn.home, std::nullopt, A | H, 1, 600}));
         })},
        {"A04 with M and H", one([](const Net& net) { return update({net.careOf(mn, Net::w1), net.map, net.regional(mn), std::nullopt, A | H | M, 1, 600}); })},
        {"A04 de-registration from home", one([](const Net& net) { return update({mn.home, net.ha, std::nullopt, std::nullopt, A | H, 1, 0}); })},
        {"A04 de-registration from home with home address option",
         one([](const Net& net) { return update({mn.home, net.ha, mn.home, std::nullopt, A | H, 1, 0}); })},
        {"A04 A07 proxy registration", one([](const Net& net) { return proxyUpdate(net); })},
        {"A06 answered or not, a correspondent may be told without A",
         one([](const Net& net) { return update({net.regional(mn), net.cn, mn.home, std::nullopt, 0, 1, 400}); })},
        {"A07 correspondent told from home", one([](const Net& net) { return update({mn.home, net.cn, std::nullopt, std::nullopt, A, 1, 0}); })},
        {"A07 binding of the home link", one([](const Net& net) { return homeBinding(net); })},
        {"A08 largest identifier", one([](const Net& net) { return withBids(net, {65535}); })},
        {"A10 IPv4 address in the option", one([](const Net& net) { return rawBid(net, 8); })},
        {"A12 authorization data alone", one([](const Net& net) { return authorized(net, {1, 5}); })},
        {"A13 a home address in each layer of a tunnel", one([](const Net& net) { return homeAddressesInLayers(net); })},
        {"A14 MAP with a unique local address", one([](const Net& net) { return mapAdvertisement(net, 1, ip("fd00:1::1")); })},
        {"MAP withdrawn on another link", afterAdvertisement(0, Net::w2)},
        {"MAP withdrawn and deregistered from", afterAdvertisement(0, Net::w1, 0)},
        {"A14 farthest MAP", one([](const Net& net) { return mapAdvertisement(net, 15, net.map); })},
        {"A15 status 135 has another number",
         [](Net& net) {
             local(net, 1s, 10);
             net.localUpdate(mn, Net::w1, 20s, 9);
             net.localAnswer(mn, Net::w1, 20100ms, 10, 135, 0);
         }},
        {"A15 an older copy in flight",
         [](Net& net) {
             local(net, 1s, 10);
             net.localUpdate(mn, Net::w1, 20s, 11);
             net.localUpdate(mn, Net::w1, 21s, 12);
             net.localAnswer(mn, Net::w1, 21100ms, 11);
             net.localAnswer(mn, Net::w1, 21200ms, 12);
         }},
        {"A15 the capture began too late for the update", [](Net& net) { net.localAnswer(mn, Net::w1, 20s, 0x1234); }},
        {"A16 any number without a binding",
         [](Net& net) {
             local(net, 1s, 10, 8, 8);
             local(net, 20s, 9);
         }},
        {"A16 any number behind a de-registration",
         [](Net& net) {
             local(net, 1s, 10);
             local(net, 5s, 11, 0, 0);
             local(net, 20s, 3);
         }},
        {"A16 a replay that is refused",
         [](Net& net) {
             local(net, 1s, 10);
             local(net, 20s, 10, 600, 0, 135);
         }},
        {"A16 numbers wrap around",
         [](Net& net) {
             local(net, 1s, 65535);
             local(net, 20s, 0);
         }},
        {"A17 refused with a lifetime", [](Net& net) { local(net, 1s, 10, 400, 404, 130); }},
        {"A17 less granted than asked for", [](Net& net) { local(net, 1s, 10, 400, 40); }},
        {"A18 the first registration of the sample network", [](Net& net) { net.registerFirst(mn); }},
        {"A18 a movement within the domain",
         [](Net& net) {
             net.registerFirst(mn);
             net.moveToSecond(mn);
         }},
    };
    return table;
}

QByteArray list(const Analysis& a)
{
    QByteArray out = QByteArray::number(qsizetype(a.findings.size())) + " findings";
    for (const TraceFinding& f : a.findings)
        out += QByteArray("\n  frame ") + QByteArray::number(f.frame) + " +" + QByteArray::number(f.finding.offset) + "," +
               QByteArray::number(f.finding.length) + " " + std::string(f.finding.rule).c_str() + " (" + std::string(f.finding.rfc).c_str() + ") " +
               f.finding.text.c_str();
    return out;
}

}  // namespace

class TestAnomalies : public QObject {
    Q_OBJECT

    /// Whether the octets that show it can be spread over fragments.
    static bool isCut(const Row& row)
    {
        Net net;
        row.wrong(net);
        net.sort();
        const Bytes& frame = net.frames.at(net.indexOf(row.expected.time, row.expected.link)).bytes;
        const auto before = unfragmentable(ByteView(frame).subspan(ipHeader));
        return before && row.expected.offset >= ipHeader + *before;
    }
    void rowsWithCarriers()
    {
        QTest::addColumn<int>("row");
        QTest::addColumn<int>("carrier");
        const std::pair<const char*, Carrier> carriers[] = {
            {"", Carrier::Ethernet}, {", in a tunnel", Carrier::Tunnel}, {", without Ethernet", Carrier::Raw}, {", in fragments", Carrier::Fragments}};
        for (std::size_t i = 0; i < rows().size(); ++i)
            for (const auto& [name, carrier] : carriers)
                if (carrier != Carrier::Fragments || isCut(rows()[i])) QTest::newRow(QByteArray(rows()[i].name) + name) << int(i) << int(carrier);
    }

private Q_SLOTS:
    void anomaly_data() { rowsWithCarriers(); }
    void anomaly()
    {
        QFETCH(int, row);
        QFETCH(int, carrier);
        const Row& r = rows()[std::size_t(row)];
        Net net;
        r.wrong(net);
        net.sort();
        const auto a = net.analyzeIn(Carrier(carrier));
        QVERIFY2(a->findings.size() == 1, list(*a).constData());
        const TraceFinding& f = a->findings[0];
        QCOMPARE(QByteArray(std::string(f.finding.rule).c_str()), QByteArray(r.expected.rule));
        QCOMPARE(int(f.finding.severity), int(r.expected.severity));
        QCOMPARE(QString::fromStdString(std::string(f.finding.rfc)), QString::fromUtf8(r.expected.rfc));
        QCOMPARE(f.frame, net.indexIn(Carrier(carrier), net.indexOf(r.expected.time, r.expected.link)));
        QCOMPARE(int(f.finding.buffer), Carrier(carrier) == Carrier::Fragments ? 1 : 0);
        QCOMPARE(int(f.finding.offset), int(r.expected.offset) + shift(Carrier(carrier), net.frames.at(net.indexOf(r.expected.time, r.expected.link)).bytes));
        QCOMPARE(f.finding.length, r.expected.length);
    }
    void corrected_data() { rowsWithCarriers(); }
    void corrected()
    {
        QFETCH(int, row);
        QFETCH(int, carrier);
        Net net;
        rows()[std::size_t(row)].right(net);
        net.sort();
        const auto a = net.analyzeIn(Carrier(carrier));
        QVERIFY2(!net.frames.empty() && a->malformedFrames == 0 && a->findings.empty(), list(*a).constData());
    }
    void good_data()
    {
        QTest::addColumn<int>("row");
        for (std::size_t i = 0; i < goodRows().size(); ++i) QTest::newRow(goodRows()[i].name) << int(i);
    }
    void good()
    {
        QFETCH(int, row);
        Net net;
        goodRows()[std::size_t(row)].build(net);
        net.sort();
        const auto a = net.analyze();
        QVERIFY2(!net.frames.empty() && a->malformedFrames == 0 && a->findings.empty(), list(*a).constData());
    }
    void corruptedMessagesAreNotBelieved()
    {
        Net net;
        single(net, flipped(update(net.homeSpec(mn, 1)), message - ipHeader + 4));
        const auto a = net.analyze();
        QCOMPARE(a->findings.size(), std::size_t{1});
        QVERIFY(a->exchanges.empty());
    }
    void findingsAreBounded()
    {
        Net net;
        for (int i = 0; i < 10050; ++i) net.add(i * 1ms, Net::w1, net.arRadio[0], multicastMac(allNodes()), mapAdvertisement(net, 0, net.map));
        const auto a = net.analyze();
        QCOMPARE(a->findings.size(), std::size_t{10000});
        QCOMPARE(a->findingsDropped, std::uint64_t{50});
    }
};

QTEST_APPLESS_MAIN(TestAnomalies)
#include "test_anomalies.moc"
