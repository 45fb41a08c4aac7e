// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/names.hpp"

#include "ui/model/format.hpp"

#include <QCoreApplication>
#include <QRegularExpression>

#include <set>

namespace roamscope::ui {

using analysis::Role;

Role roleOf(lab::Role role)
{
    switch (role) {
    case lab::Role::HomeAgent: return Role::HomeAgent;
    case lab::Role::Map: return Role::Map;
    case lab::Role::AccessRouter: return Role::AccessRouter;
    case lab::Role::Correspondent: return Role::Correspondent;
    case lab::Role::MobileNode: return Role::MobileNode;
    }
    return Role::Unknown;
}

QString roleTitle(Role role)
{
    switch (role) {
    case Role::HomeAgent: return QCoreApplication::translate("Names", "home agent");
    case Role::Map: return QCoreApplication::translate("Names", "mobility anchor point");
    case Role::AccessRouter: return QCoreApplication::translate("Names", "access router");
    case Role::Correspondent: return QCoreApplication::translate("Names", "correspondent node");
    case Role::MobileNode: return QCoreApplication::translate("Names", "mobile node");
    case Role::Unknown: break;
    }
    return QCoreApplication::translate("Names", "node");
}

QString roleShort(Role role)
{
    switch (role) {
    case Role::HomeAgent: return QStringLiteral("HA");
    case Role::Map: return QStringLiteral("MAP");
    case Role::AccessRouter: return QStringLiteral("AR");
    case Role::Correspondent: return QStringLiteral("CN");
    case Role::MobileNode: return QStringLiteral("MN");
    case Role::Unknown: break;
    }
    return QString();
}

Names::Names()
{
    static const auto nobody = std::make_shared<Tables>();
    tables_ = nobody;
}

Names::Names(const lab::Scenario* scenario, const analysis::Analysis& analysis) : tables_(std::make_shared<Tables>())
{
    if (scenario) fromScenario(*scenario);
    fromNodes(analysis.nodes);
    fromBindings(analysis);
}

void Names::learn(const Ipv6Address& address, const QString& node, Role role, const QString& detail)
{
    if (address.isUnspecified() || address.isMulticast() || node.isEmpty()) return;
    const auto [at, fresh] = tables_->parties.try_emplace(address, Party{node, detail, role});
    tables_->groups.try_emplace(solicitedNode(address), node);
    if (fresh) tables_->order.push_back(address);
    else if (at->second.detail.isEmpty()) at->second.detail = detail;
}

void Names::fromScenario(const lab::Scenario& scenario)
{
    for (const lab::NodeSpec& node : scenario.nodes) {
        const QString name = toQt(node.name);
        const Role role = roleOf(node.role);
        if (node.homeAddress) learn(*node.homeAddress, name, role, QStringLiteral("HoA"));
        for (const lab::InterfaceSpec& interface : node.interfaces) {
            if (interface.address) learn(interface.address->address, name, role);
            if (interface.ipv4) learn(wire::mapped(interface.ipv4->address), name, role);
            if (!interface.mac) continue;
            tables_->macs[*interface.mac] = name;
            learn(linkLocal(eui64(*interface.mac)), name, role);
        }
    }
}

void Names::fromNodes(const std::vector<analysis::NodeInfo>& nodes)
{
    std::map<Role, int> seen;
    std::map<Role, int> total;
    for (const analysis::NodeInfo& node : nodes) ++total[node.role];
    for (const analysis::NodeInfo& node : nodes) {
        const int number = ++seen[node.role];
        QString name;
        Role role = node.role;
        for (const Ipv6Address& address : node.addresses)
            if (const Party* known = party(address)) {
                name = known->node;
                role = known->role;
                break;
            }
        for (const Mac& mac : node.macs)
            if (const auto known = tables_->macs.find(mac); name.isEmpty() && known != tables_->macs.end()) name = known->second;
        if (name.isEmpty() && role != Role::Unknown)
            name = total[role] > 1 ? QStringLiteral("%1 %2").arg(roleShort(role)).arg(number) : roleShort(role);
        if (name.isEmpty()) continue;
        for (const Ipv6Address& address : node.addresses) learn(address, name, role);
        for (const Mac& mac : node.macs) {
            tables_->macs.emplace(mac, name);
            learn(linkLocal(eui64(mac)), name, role);
        }
    }
}

/// What addresses are to their mobile nodes follows from the registrations: the home agent binds HoA → RCoA (or a plain care-of
/// address), the MAP RCoA → LCoA.
class Names::Registrations {
public:
    Registrations(Names& names, const analysis::Analysis& analysis) : names_(names)
    {
        for (const analysis::Exchange& e : analysis.exchanges) (e.peer == Role::Map ? local_ : home_).emplace_back(e.homeAddress, e.careOfAddress);
        for (const analysis::BindingInterval& b : analysis.bindings) {
            (b.owner == Role::Map ? local_ : home_).emplace_back(b.homeAddress, b.careOfAddress);
            if (b.owner == Role::HomeAgent && b.bid) identifiers_.emplace(b.careOfAddress, *b.bid);
        }
    }

    void learn()
    {
        atHome();
        numberLocal(atMaps());
        for (const auto& [address, name] : owners_) {
            const auto detail = details_.find(address);
            names_.learn(address, name, Role::MobileNode, detail == details_.end() ? QString() : detail->second);
        }
    }

private:
    using Registration = std::pair<Ipv6Address, Ipv6Address>;  ///< home and care-of address

    QString mobileNode(const Ipv6Address& home) const
    {
        const Party* known = names_.party(home);
        return known && known->role == Role::MobileNode ? known->node : roleShort(Role::MobileNode);
    }

    void atHome()
    {
        std::set<Ipv6Address> regional;
        for (const Registration& r : local_) regional.insert(r.first);
        for (const auto& [home, careOf] : home_) {
            const QString kind = regional.contains(careOf) ? QStringLiteral("RCoA") : QStringLiteral("CoA");
            // Of several care-of addresses at once each is named by its identifier.
            const auto bid = identifiers_.find(careOf);
            details_.emplace(home, QStringLiteral("HoA"));
            details_.emplace(careOf, bid == identifiers_.end() ? kind : QStringLiteral("%1, BID %2").arg(kind).arg(bid->second));
            owners_.emplace(careOf, mobileNode(home));
            owners_.emplace(home, mobileNode(home));
        }
    }

    /// Their care-of addresses in order.
    std::vector<Ipv6Address> atMaps()
    {
        QString onlyMobileNode;  // of the scenario, for a node that is not yet registered at home
        for (const Ipv6Address& address : names_.tables_->order)
            if (const Party* known = names_.party(address); known->role == Role::MobileNode) onlyMobileNode = known->node;
        std::set<Ipv6Address> seen;
        std::vector<Ipv6Address> addresses;
        for (const auto& [regional, careOf] : local_) {
            const auto owner = owners_.find(regional);
            const QString name = owner != owners_.end() ? owner->second : onlyMobileNode.isEmpty() ? mobileNode(careOf) : onlyMobileNode;
            details_.emplace(regional, QStringLiteral("RCoA"));
            owners_.emplace(regional, name);
            owners_.emplace(careOf, name);
            if (seen.insert(careOf).second) addresses.push_back(careOf);
        }
        return addresses;
    }

    void numberLocal(const std::vector<Ipv6Address>& addresses)
    {
        std::map<QString, int> counts;  // of each mobile node
        for (const Ipv6Address& address : addresses) ++counts[owners_[address]];
        std::map<QString, int> numbered;
        for (const Ipv6Address& address : addresses) {
            const QString& owner = owners_[address];
            details_.emplace(address, counts[owner] > 1 ? QStringLiteral("LCoA %1").arg(++numbered[owner]) : QStringLiteral("LCoA"));
        }
    }

    Names& names_;
    std::vector<Registration> local_;  ///< at MAPs
    std::vector<Registration> home_;
    std::unordered_map<Ipv6Address, std::uint16_t> identifiers_;
    std::map<Ipv6Address, QString> details_;
    std::map<Ipv6Address, QString> owners_;
};

void Names::fromBindings(const analysis::Analysis& analysis) { Registrations(*this, analysis).learn(); }

const Names::Party* Names::party(const Ipv6Address& address) const
{
    const auto at = tables_->parties.find(address);
    return at == tables_->parties.end() ? nullptr : &at->second;
}

QString Names::of(const Ipv6Address& address) const
{
    if (address.isUnspecified()) return QStringLiteral("::");
    if (address == allNodes()) return QCoreApplication::translate("Names", "all nodes");
    if (address == allRouters()) return QCoreApplication::translate("Names", "all routers");
    if (address == allMldv2Routers()) return QCoreApplication::translate("Names", "multicast routers");
    if (const auto group = tables_->groups.find(address); group != tables_->groups.end())
        return QCoreApplication::translate("Names", "group of %1").arg(group->second);
    if (const Party* known = party(address))
        return known->detail.isEmpty() ? known->node : QStringLiteral("%1 (%2)").arg(known->node, known->detail);
    return toQt(address.text());
}

QString Names::named(const QString& text) const
{
    // Prefixes ("2001:db8:1::/64") stay as they are.
    static const QRegularExpression address(QStringLiteral("[0-9a-f]*:[0-9a-f:]+(?![0-9a-f:/.])"));
    QString out;
    qsizetype done = 0;
    for (auto matches = address.globalMatch(text); matches.hasNext();) {
        const QRegularExpressionMatch match = matches.next();
        const auto parsed = Ipv6Address::parse(match.captured().toStdString());
        if (!parsed) continue;
        out += QStringView(text).mid(done, match.capturedStart() - done);
        out += of(*parsed);
        done = match.capturedEnd();
    }
    out += QStringView(text).mid(done);
    return out;
}

QString Names::node(const Ipv6Address& address) const
{
    const Party* known = party(address);
    return known ? known->node : of(address);
}

QString Names::of(const Mac& mac) const
{
    const auto at = tables_->macs.find(mac);
    return at == tables_->macs.end() ? toQt(mac.text()) : at->second;
}

QString Names::of(const analysis::NodeInfo& node) const
{
    for (const Ipv6Address& address : node.addresses)
        if (const Party* known = party(address)) return known->node;
    for (const Mac& mac : node.macs)
        if (const auto known = tables_->macs.find(mac); known != tables_->macs.end()) return known->second;
    return node.addresses.empty() ? QString() : toQt(node.addresses.front().text());
}

QString Names::addressesOf(const QString& node) const
{
    QStringList lines;
    for (const Ipv6Address& address : tables_->order) {
        const Party& known = tables_->parties.at(address);
        if (known.node != node) continue;
        const QString text = toQt(address.text());
        lines << (known.detail.isEmpty() ? text : QStringLiteral("%1  %2").arg(text, known.detail));
    }
    return lines.join(QLatin1Char('\n'));
}

}  // namespace roamscope::ui
