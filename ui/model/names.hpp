// SPDX-License-Identifier: GPL-3.0-or-later
// Names before addresses: who an address belongs to, from the scenario where there is one and from what analysis found.
// A mobile node's addresses also say what they are: "mn (HoA)", "mn (RCoA)", "mn (LCoA 2)",
// "mn (CoA, BID 1)".
#pragma once

#include "capture/analysis/analysis.hpp"
#include "protocol/lab/scenario.hpp"

#include <QHash>
#include <QString>

#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace roamscope::ui {

/// Index into the palette of roles.
[[nodiscard]] analysis::Role roleOf(lab::Role role);
/// "home agent", "MAP", …: for tooltips and legends.
[[nodiscard]] QString roleTitle(analysis::Role role);
/// "HA", "MAP", "MN" …: short.
[[nodiscard]] QString roleShort(analysis::Role role);

/// A value; copies share what they know, and it may be made in one thread and read in another.
class Names {
public:
    struct Party {
        QString node;    ///< "mn"
        QString detail;  ///< "LCoA 2", empty when the address needs no explanation
        analysis::Role role = analysis::Role::Unknown;
    };

    Names();
    /// `scenario` may be null.
    Names(const lab::Scenario* scenario, const analysis::Analysis& analysis);

    /// Null when the address is nobody's that is known.
    [[nodiscard]] const Party* party(const Ipv6Address& address) const;
    /// "mn (LCoA 2)", "all nodes", or the address itself.
    [[nodiscard]] QString of(const Ipv6Address& address) const;
    /// A text with every address in it that is somebody's replaced by of().
    [[nodiscard]] QString named(const QString& text) const;
    /// The node's name without detail, or the address.
    [[nodiscard]] QString node(const Ipv6Address& address) const;
    [[nodiscard]] QString of(const Mac& mac) const;
    /// The name that a node of the analysis goes by.
    [[nodiscard]] QString of(const analysis::NodeInfo& node) const;
    /// Every known address of a node, for tooltips, one a line.
    [[nodiscard]] QString addressesOf(const QString& node) const;

private:
    class Registrations;
    struct Tables {
        std::unordered_map<Ipv6Address, Party> parties;
        std::map<Mac, QString> macs;
        std::unordered_map<Ipv6Address, QString> groups;  ///< solicited-node groups of the known addresses
        std::vector<Ipv6Address> order;         ///< as learned
    };

    void learn(const Ipv6Address& address, const QString& node, analysis::Role role, const QString& detail = {});
    void fromScenario(const lab::Scenario& scenario);
    void fromNodes(const std::vector<analysis::NodeInfo>& nodes);
    void fromBindings(const analysis::Analysis& analysis);

    std::shared_ptr<Tables> tables_;  ///< changed by the constructor only
};

}  // namespace roamscope::ui
