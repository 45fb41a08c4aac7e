// SPDX-License-Identifier: GPL-3.0-or-later
// What passive analysis knows about a trace: who is who, bindings, exchanges, handovers with their phases, probes. Plain
// values; each fact says how it is known and which frames prove it. Frame numbers here are indices into the trace (from 0).
// Times are those of the trace. The Analyzer that makes this is analyzer.hpp.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/time.hpp"
#include "protocol/wire/fields.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace roamscope::analysis {

using FrameIndex = std::uint32_t;

enum class Role : std::uint8_t { Unknown, MobileNode, Map, HomeAgent, Correspondent, AccessRouter };
[[nodiscard]] std::string_view roleName(Role role);  ///< "mn", "map", "ha", "cn", "ar", "unknown"

/// Someone in the capture, found by addresses (RFC 6275/5380 roles as in design §6.3 of the interface).
struct NodeInfo {
    Role role = Role::Unknown;
    std::vector<Ipv6Address> addresses;   ///< most telling first: HoA of a mobile node, advertised address of a MAP …
    std::vector<Mac> macs;
    std::vector<FrameIndex> evidence;     ///< frames that gave the role
    [[nodiscard]] std::string label() const;  ///< "MN 2001:db8:100::1:1"
};

enum class Knowledge : std::uint8_t { Acknowledged, Assumed, Expired, Deleted, Revoked };  ///< why an interval began or ended

/// One binding held unchanged from `from` to `to`. A refresh, a new care-of address and an end each close an interval.
struct BindingInterval {
    Role owner = Role::HomeAgent;         ///< Map for a local binding (RCoA → LCoA), HomeAgent (HoA → CoA), Correspondent
    Ipv6Address ownerAddress;
    Ipv6Address homeAddress;              ///< HoA, or the RCoA at a MAP
    std::optional<std::uint16_t> bid;     ///< binding identifier (RFC 5648)
    std::uint8_t priority = 0;            ///< of the identifier, 1..127, lower is better (RFC 6089 §4.1); 0: none
    bool homeLink = false;                ///< the binding of the home link beside foreign ones (RFC 5648 §5.6)
    std::uint8_t status = 0;              ///< effective status of the acknowledgement: of the identifier, else of the message
    Ipv6Address careOfAddress;            ///< "::" where an update leaves it out that was registered before the capture began
    std::uint16_t sequence = 0;
    std::uint16_t flags = 0;              ///< of the Binding Update
    Knowledge end = Knowledge::Acknowledged;  ///< meaningful when `to` is set: replaced by an acknowledged one, expired, deleted
    bool router = false;                  ///< of a mobile router, and the home agent forwards to what is behind it (RFC 3963)
    Duration lifetime{0};                 ///< granted
    TimePoint from{};                     ///< time of the acknowledgement
    std::optional<TimePoint> to;          ///< none: still alive at the end of the trace
    FrameIndex update = 0;
    FrameIndex acknowledgement = 0;

    [[nodiscard]] bool aliveAt(TimePoint t) const { return from <= t && (!to || t < *to); }
    /// Nobody answered, nobody was asked to: a correspondent accepts what it can, if it arrives (RFC 6275 §9.5.4).
    [[nodiscard]] bool isAssumed() const { return update == acknowledgement; }
    /// Lifetime left at t, never negative.
    [[nodiscard]] Duration leftAt(TimePoint t) const { return std::max(Duration{0}, from + lifetime - t); }
};

/// A flow that a mobile node bound to some of its care-of addresses, unchanged from `from` to `to` (RFC 6089).
struct FlowInterval {
    Ipv6Address ownerAddress;
    Ipv6Address homeAddress;
    std::uint16_t flow = 0;               ///< FID
    std::uint16_t priority = 0;           ///< FID-PRI; the lowest one that matches a packet decides
    std::vector<std::uint16_t> bids;      ///< binding identifiers that it uses
    std::string selector;                 ///< in words: "UDP, to port 5001"
    TimePoint from{};                     ///< time of the acknowledgement
    std::optional<TimePoint> to;          ///< none: still there at the end of the trace
    FrameIndex acknowledgement = 0;

    [[nodiscard]] bool aliveAt(TimePoint t) const { return from <= t && (!to || t < *to); }
};

/// A Binding Update with its copies and its answer. Long captures have very many: small members first, without gaps.
struct Exchange {
    Role peer = Role::HomeAgent;          ///< who answers: Map, HomeAgent, Correspondent
    std::optional<std::uint8_t> status;
    std::uint16_t sequence = 0;           ///< of the copy that was answered, else of the last one
    Ipv6Address peerAddress;
    Ipv6Address homeAddress;
    Ipv6Address careOfAddress;
    std::vector<FrameIndex> updates;      ///< first copy first; each as seen first, on the mobile node's link
    std::optional<FrameIndex> answer;     ///< the acknowledgement as seen last, on the mobile node's link
    TimePoint start{};
    std::optional<TimePoint> end;
    std::optional<Duration> roundTrip;    ///< from the copy that was answered to its acknowledgement, as seen by the mobile node
};

/// What the answer of an exchange said of one binding identifier (RFC 5648): its own status, else that of the message.
struct IdentifierAnswer {
    std::uint32_t exchange = 0;           ///< into Analysis::exchanges
    std::uint16_t bid = 0;
    std::uint8_t status = 0;
    TimePoint time{};
    FrameIndex frame = 0;                 ///< of the acknowledgement
};

/// A stretch of a handover with the frames that bound it (handover model §3: T_L2, T_MD, T_DAD, T_LBU, T_HA …).
struct Phase {
    std::string name;                     ///< "T_L2", "T_MD", "T_DAD", "T_LBU", "T_HA"
    TimePoint start{};
    TimePoint end{};
    std::optional<FrameIndex> startFrame;
    std::optional<FrameIndex> endFrame;
};

/// The last three are of nodes with several care-of addresses (RFC 5648): an identifier came, left, or has another address.
enum class HandoverKind : std::uint8_t { Initial, IntraMap, InterMap, Home, ReturnHome, PathAdded, PathRemoved, PathSwitched };
/// "initial", "intra-map", "inter-map", "home", "return-home", "path-added", "path-removed", "path-switched"
[[nodiscard]] std::string_view handoverKindName(HandoverKind kind);

/// One change of the care-of address of a mobile node, or of those that it has. `Initial` is the first registration, not a movement.
struct Handover {
    Ipv6Address mobileNode;               ///< HoA when known, else RCoA or care-of address
    HandoverKind kind = HandoverKind::Initial;
    std::optional<std::uint16_t> bid;     ///< of the path that came or has another address, else of the one that left
    std::string fromLink;                 ///< empty when unknown or there is none: the first, a path more
    std::string toLink;                   ///< empty when unknown or there is none: a path less
    Ipv6Address oldCareOf;
    Ipv6Address newCareOf;
    TimePoint start{};                    ///< m0: last data packet on the old path, else first frame on the new link
    std::optional<TimePoint> end;         ///< m14: first data packet on the new path, else the last acknowledgement
    std::optional<Duration> interruption; ///< downlink: m14 − m0; none without data on both sides
    std::vector<Phase> phases;            ///< in order of time
    std::uint32_t lost = 0;               ///< probes sent between that never arrived
    std::uint32_t duplicated = 0;
    std::uint32_t reordered = 0;

    /// "w1 → w2"; "?" for a link that is unknown, "–" where there is none.
    [[nodiscard]] std::string fromTo() const;
};

/// One probe of a flow of this project's traffic source.
struct ProbeSample {
    std::uint32_t serial = 0;
    TimePoint sent{};                     ///< first frame that carries it
    std::optional<TimePoint> received;    ///< on the mobile node's link, when it was delivered there
    std::optional<TimePoint> answered;    ///< when the answer reached the source's link
    FrameIndex frame = 0;                 ///< that first frame
    std::uint16_t copies = 0;             ///< times it was delivered
};

/// How the probes of a flow fared by one care-of address of a mobile node, or of the mobile router that an end of it is behind.
struct FlowPath {
    bool toMobile = true;                 ///< towards the mobile node; otherwise from it
    bool router = false;                  ///< which is a mobile router for that end (RFC 3963)
    Ipv6Address careOfAddress;            ///< on the link; the home address of a node on its home link
    std::optional<std::uint16_t> bid;     ///< identifier that it was registered with last (RFC 5648)
    std::uint32_t probes = 0;             ///< that went this way
    std::uint32_t lost = 0;
    std::uint32_t duplicated = 0;         ///< delivered more than once, by this way
    std::uint32_t reordered = 0;          ///< delivered after a later one of this way
};

struct Flow {
    std::uint16_t id = 0;
    Ipv6Address source;
    Ipv6Address destination;
    std::vector<ProbeSample> probes;      ///< by serial
    std::uint32_t lost = 0;               ///< wherever, also before a path was chosen
    std::uint32_t duplicated = 0;         ///< delivered more than once, by whatever paths
    std::uint32_t reordered = 0;
    std::vector<FlowPath> paths;          ///< as met; of mobile nodes that were known by then
};

/// Where a mobile node was, by the frames it sent.
struct Attachment {
    Mac interface;
    std::uint32_t link = 0;               ///< index into the trace's links
    TimePoint from{};                     ///< first frame of the node on that link
    std::optional<TimePoint> to;          ///< its first frame on the next link
    std::optional<Mac> router;            ///< access router it used there, once known
};

/// A finding of one frame or exchange, with the frame.
struct TraceFinding {
    FrameIndex frame = 0;
    wire::Finding finding;
};

/// Messages that were read as a draft or an early implementation has them, without the user's word.
struct DialectEvidence {
    std::string name;         ///< of wire::dialectName
    std::string reason;       ///< what stands in the messages that speaks for it
    std::uint64_t count = 0;
    FrameIndex firstFrame = 0;
    bool operator==(const DialectEvidence&) const = default;
};

struct Analysis {
    std::vector<NodeInfo> nodes;
    std::vector<BindingInterval> bindings;
    std::map<FrameIndex, std::vector<Prefix>> networks;  ///< behind mobile routers, by the acknowledgement of the update that names them
    std::vector<FlowInterval> flowBindings;
    std::vector<Exchange> exchanges;
    std::vector<IdentifierAnswer> identifierAnswers;  ///< in order of time
    std::vector<Handover> handovers;
    std::vector<Flow> flows;
    std::vector<Attachment> attachments;
    std::vector<TraceFinding> findings;   ///< bounded; see findingsDropped
    std::uint64_t findingsDropped = 0;
    std::vector<DialectEvidence> dialects;  ///< in the order in which they were met
    std::map<FrameIndex, Role> acknowledgements;  ///< Binding Acknowledgements by the role that sent them (colours)
    std::size_t frames = 0;               ///< how many frames of the trace this covers
    std::uint64_t cutFrames = 0;          ///< of which the capture did not keep everything
    std::uint64_t encryptedFrames = 0;    ///< whose content is ESP and stays unknown
    std::uint64_t malformedFrames = 0;    ///< that broke off in decoding

    /// What people call handovers[index]: its number from 1, first registrations not counted; 0 for one of these.
    [[nodiscard]] std::size_t handoverNumber(std::size_t index) const;
    /// Bindings alive at t, MAP's first, those of one home address beside each other by their identifiers.
    [[nodiscard]] std::vector<const BindingInterval*> bindingsAt(TimePoint t) const;
    /// What is behind the mobile router of this binding, as its update names it; null when only the home agent knows (implicit mode).
    [[nodiscard]] const std::vector<Prefix>* networksOf(const BindingInterval& binding) const;
    /// Flows bound to this binding at t, the one that is looked at first first.
    [[nodiscard]] std::vector<const FlowInterval*> flowsOf(const BindingInterval& binding, TimePoint t) const;
    /// The node that owns an address, if known.
    [[nodiscard]] const NodeInfo* nodeOf(const Ipv6Address& address) const;
};

}  // namespace roamscope::analysis
