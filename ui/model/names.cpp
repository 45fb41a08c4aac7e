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

void Names::fromBindings(const analysis::Analysis& analysis)
{
    // What an address is to its mobile node follows from the registrations: the home agent binds HoA → RCoA (or a plain
    // care-of address), the MAP RCoA → LCoA.
    struct Registration {
        bool local;
        Ipv6Address home;
        Ipv6Address careOf;
    };
    std::vector<Registration> registrations;
    for (const analysis::Exchange& e : analysis.exchanges)
        registrations.push_back({e.peer == Role::Map, e.homeAddress, e.careOfAddress});
    for (const analysis::BindingInterval& b : analysis.bindings)
        registrations.push_back({b.owner == Role::Map, b.homeAddress, b.careOfAddress});

    std::set<Ipv6Address> regional;
    for (const Registration& r : registrations)
        if (r.local) regional.insert(r.home);
    const auto mobileNode = [&](const Ipv6Address& home) {
        const Party* known = party(home);
        return known && known->role == Role::MobileNode ? known->node : roleShort(Role::MobileNode);
    };
    // Of several care-of addresses at once each is named by its identifier.
    std::unordered_map<Ipv6Address, std::uint16_t> identifiers;
    for (const analysis::BindingInterval& b : analysis.bindings)
        if (b.owner == Role::HomeAgent && b.bid) identifiers.emplace(b.careOfAddress, *b.bid);
    const auto careOfDetail = [&](const Ipv6Address& careOf) {
        const QString kind = regional.contains(careOf) ? QStringLiteral("RCoA") : QStringLiteral("CoA");
        const auto bid = identifiers.find(careOf);
        return bid == identifiers.end() ? kind : QStringLiteral("%1, BID %2").arg(kind).arg(bid->second);
    };
    std::map<Ipv6Address, QString> details;
    std::map<Ipv6Address, QString> owners;
    for (const Registration& r : registrations) {
        if (r.local) continue;
        details.emplace(r.home, QStringLiteral("HoA"));
        details.emplace(r.careOf, careOfDetail(r.careOf));
        owners.emplace(r.careOf, mobileNode(r.home));
        owners.emplace(r.home, mobileNode(r.home));
    }
    QString onlyMobileNode;  // of the scenario, for a node that is not yet registered at home
    for (const Ipv6Address& address : tables_->order)
        if (const Party* known = party(address); known->role == Role::MobileNode) onlyMobileNode = known->node;
    std::set<Ipv6Address> localSeen;
    std::vector<Ipv6Address> localAddresses;
    for (const Registration& r : registrations) {
        if (!r.local) continue;
        const auto owner = owners.find(r.home);
        QString name = owner != owners.end() ? owner->second : mobileNode(r.careOf);
        if (owner == owners.end() && !onlyMobileNode.isEmpty()) name = onlyMobileNode;
        details.emplace(r.home, QStringLiteral("RCoA"));
        owners.emplace(r.home, name);
        owners.emplace(r.careOf, name);
        if (localSeen.insert(r.careOf).second) localAddresses.push_back(r.careOf);
    }
    std::map<QString, int> locals;  // of each mobile node
    for (const Ipv6Address& address : localAddresses) ++locals[owners[address]];
    std::map<QString, int> numbered;
    for (const Ipv6Address& address : localAddresses) {
        const QString& owner = owners[address];
        details.emplace(address, locals[owner] > 1 ? QStringLiteral("LCoA %1").arg(++numbered[owner]) : QStringLiteral("LCoA"));
    }
    for (const auto& [address, name] : owners) {
        const auto detail = details.find(address);
        learn(address, name, Role::MobileNode, detail == details.end() ? QString() : detail->second);
    }
}

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
