// SPDX-License-Identifier: GPL-3.0-or-later
// The node of `role` without its wire: runs in the time that it is told, obeys commands and tells as JSON lines what it does. A
// session (role_session.hpp) joins it to TAP interfaces; tests run it in virtual time.
#pragma once

#include "capture/io/json_value.hpp"
#include "capture/io/role_file.hpp"
#include "protocol/lab/lab.hpp"

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace roamscope::capture {

class RoleNode {
public:
    /// `key`: where the file has no seed, random numbers come from this secret (32 octets from the system).
    [[nodiscard]] static Result<RoleNode> make(RoleFile file, const Random::Key& key);

    /// {"event":"ready", …}: name, role, interfaces with their addresses, and what protects it.
    [[nodiscard]] std::string readyLine() const;

    /// Time of the next thing to do; none when the node is at rest.
    [[nodiscard]] std::optional<TimePoint> nextDeadline() const;
    /// Does the next thing that is due; false when there is none until `now`.
    bool advance(TimePoint now);
    void receive(TimePoint now, std::size_t interface, ByteView frame) { lab_.inject(now, interface, frame, out_); }
    /// One command, a JSON object; its answer, a JSON object, both without the line's end. Faults are answered, too.
    [[nodiscard]] std::string obey(TimePoint now, std::string_view line);
    [[nodiscard]] bool stopped() const { return stopped_; }

    /// The node stops: what it still has to say is in frames().
    void cease(TimePoint now) { lab_.cease(now, 0, out_); }

    /// Frames to be sent, each with its interface as port; the caller empties the list.
    [[nodiscard]] std::vector<lab::PortFrame>& frames() { return out_.transmit; }
    /// A frame of that interface could not be sent.
    void lost(TimePoint now, std::size_t interface);
    /// What happened since the last call, one JSON object a line, each with its line's end.
    [[nodiscard]] std::string takeLines();
    /// Without lines (but with the answers to commands).
    void setQuiet(bool quiet)
    {
        quiet_ = quiet;
        lab_.setQuiet(quiet);
    }

    [[nodiscard]] const lab::Lab& lab() const { return lab_; }

private:
    struct Probing {
        node::TrafficSource source;
        std::uint64_t sent = 0;
        std::uint64_t answered = 0;
    };
    using Json = nlohmann::ordered_json;
    using Answer = Result<Json>;

    RoleNode(lab::Lab lab, RoleFile file) : lab_(std::move(lab)), file_(std::move(file)) {}

    // role_orders.cpp
    [[nodiscard]] Answer carryOut(TimePoint now, const std::string& name, const JsonValue& command);
    [[nodiscard]] Answer bindings(TimePoint now) const;
    [[nodiscard]] Answer attach(TimePoint now, const JsonValue& command);
    [[nodiscard]] Answer send(TimePoint now, const JsonValue& command);
    [[nodiscard]] Answer revoke(TimePoint now, const JsonValue& command);
    [[nodiscard]] Answer probe(TimePoint now, const JsonValue& command);
    [[nodiscard]] Answer set(TimePoint now, const JsonValue& command, std::string_view line);
    [[nodiscard]] std::optional<std::size_t> interfaceNamed(std::string_view name) const;
    [[nodiscard]] Ipv6Address sourceFor(const Ipv6Address& destination) const;

    lab::Lab lab_;
    RoleFile file_;
    lab::LabOutput out_;
    std::map<std::uint16_t, Probing> probes_;  ///< by flow
    bool stopped_ = false;
    bool quiet_ = false;
};

}  // namespace roamscope::capture
