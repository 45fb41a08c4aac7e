// SPDX-License-Identifier: GPL-3.0-or-later
// The picture of the network as values: nodes and links with places in the unit square, and at an instant where each mobile
// node is and which tunnels exist. From the scenario of a lab, or from what analysis found in a capture.
#pragma once

#include "capture/analysis/analysis.hpp"
#include "capture/trace/trace.hpp"
#include "ui/model/names.hpp"

#include <QHash>
#include <QPointF>
#include <QString>

#include <optional>
#include <vector>

namespace roamscope::ui {

struct TopologyNode {
    QString name;
    analysis::Role role = analysis::Role::Unknown;
    QPointF place;  ///< 0..1 in both directions; a mobile node's is that of topologyAt()
};

struct TopologyLink {
    QString name;
    bool wireless = false;
    std::optional<std::size_t> carrier;  ///< the mobile router that has this link behind it
    std::vector<std::size_t> members;  ///< indices of nodes that are always there
    double y = 0;
    double left = 0;
    double right = 0;

    [[nodiscard]] double middle() const { return (left + right) / 2; }
};

struct Topology {
    /// From then on an interface of a mobile node was on a link (none: on one that is not drawn).
    struct Stay {
        TimePoint from{};
        std::optional<std::size_t> link;
        bool left = false;                           ///< none at all: its path on the last one has ended
    };
    struct Mobile {
        std::size_t node;                            ///< index into nodes
        std::vector<std::vector<Stay>> interfaces;   ///< each by time
    };
    /// A stretch in which somebody was on the way between two links.
    struct Change {
        TimePoint start{};
        TimePoint end{};
    };

    std::vector<TopologyNode> nodes;
    std::vector<TopologyLink> links;
    double mobileY = 0.93;                           ///< where mobile nodes stand
    std::vector<Mobile> mobiles;
    std::vector<Change> changes;                     ///< by their end
    QHash<QString, std::size_t> nodeNamed;           ///< index into nodes
};

/// `scenario` null: inferred from `analysis` and the trace's links.
[[nodiscard]] Topology makeTopology(const lab::Scenario* scenario, const analysis::Analysis& analysis, const Names& names,
                                    const std::vector<capture::TraceLink>& traceLinks);

struct TopologyState {
    struct Mobile {
        std::size_t node;                    ///< index into Topology::nodes
        std::optional<std::size_t> link;     ///< where it is, by the interface that moved last; none before its first frame
        std::vector<std::size_t> others;     ///< where its other interfaces are
        std::optional<std::size_t> next;     ///< set while it changes links
        double progress = 0;                 ///< 0..1 from link to next
    };
    struct Tunnel {
        std::size_t from;                    ///< MAP or HA
        std::size_t to;
        analysis::Role owner;                ///< whose binding makes it
        std::optional<std::uint16_t> bid;    ///< identifier of that binding (RFC 5648)
    };
    std::vector<Mobile> mobiles;
    std::vector<Tunnel> tunnels;
};

/// Attachments and tunnels at `time`.
[[nodiscard]] TopologyState topologyAt(const Topology& topology, const analysis::Analysis& analysis, const Names& names, TimePoint time);

}  // namespace roamscope::ui
