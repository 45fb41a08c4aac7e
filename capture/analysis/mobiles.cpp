// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/analysis/mobiles.hpp"

#include <algorithm>
#include <utility>

namespace roamscope::analysis {

namespace {

constexpr std::size_t maxEvidence = 8;
constexpr std::size_t maxListed = 256;  ///< addresses or interfaces of one node
constexpr std::ptrdiff_t maxLookBack = 64;  ///< episodes
constexpr std::size_t maxMobiles = 4096;  ///< a flood with forged addresses must not slow us down

template <class T>
void addOnce(std::vector<T>& list, const T& value)
{
    if (list.size() < maxListed && std::find(list.begin(), list.end(), value) == list.end()) list.push_back(value);
}

/// Whether one of the latest episodes had this regional address.
bool hadRegional(const Mobile& mobile, const Ipv6Address& regional)
{
    const auto& episodes = mobile.episodes;
    const auto from = episodes.end() - std::min<std::ptrdiff_t>(maxLookBack, std::ssize(episodes));
    return std::any_of(from, episodes.end(), [&](const Episode& e) { return e.regional == regional; });
}

}  // namespace

Ipv6Address Mobile::name() const
{
    if (homeAddress) return *homeAddress;
    if (!regional.empty()) return regional.front();
    return careOf.empty() ? Ipv6Address{} : careOf.front();
}

const Mobile* Mobiles::of(const Ipv6Address& address) const
{
    const auto it = byAddress_.find(address);
    return it == byAddress_.end() ? nullptr : &mobiles_[it->second];
}

const Mobile* Mobiles::routerAt(const Ipv6Address& careOf) const
{
    const auto it = byCareOf_.find(careOf);
    return it == byCareOf_.end() || byAddress_.count(careOf) != 0 ? nullptr : &mobiles_[it->second];
}

void Mobiles::addCareOf(std::size_t mobile, const Ipv6Address& careOf)
{
    std::vector<Ipv6Address>& list = mobiles_[mobile].careOf;
    if (std::find(list.begin(), list.end(), careOf) == list.end()) {
        if (list.size() >= maxListed) return;  // the index is bounded as the lists are
        list.push_back(careOf);
    }
    if (mobiles_[mobile].router) byCareOf_[careOf] = mobile;
}

void Mobiles::setRouter(std::size_t mobile)
{
    if (std::exchange(mobiles_[mobile].router, true)) return;
    for (const Ipv6Address& careOf : mobiles_[mobile].careOf) byCareOf_[careOf] = mobile;
}

std::size_t Mobiles::create()
{
    mobiles_.emplace_back();
    return mobiles_.size() - 1;
}

std::size_t Mobiles::localOwner(const Update& update, const std::optional<Mac>& mac)
{
    if (const auto it = byAddress_.find(update.homeAddress); it != byAddress_.end()) return it->second;
    if (mac)
        if (const auto it = byMac_.find(*mac); it != byMac_.end()) return it->second;
    return create();
}

std::size_t Mobiles::homeOwner(const Update& update, const std::optional<Mac>& mac)
{
    const auto home = byAddress_.find(update.homeAddress);
    const auto regional = byAddress_.find(update.careOfAddress);
    if (home != byAddress_.end() && regional != byAddress_.end() && home->second != regional->second && !update.fromHome()) {
        const std::size_t into = home->second;
        merge(into, regional->second);
        return into;
    }
    if (home != byAddress_.end()) return home->second;
    if (regional != byAddress_.end() && !mobiles_[regional->second].homeAddress) return regional->second;
    if (mac) {
        const auto it = byMac_.find(*mac);
        if (it != byMac_.end() && !mobiles_[it->second].homeAddress) return it->second;
    }
    return create();
}

void Mobiles::merge(std::size_t into, std::size_t from)
{
    Mobile& a = mobiles_[into];
    Mobile& b = mobiles_[from];
    for (const Ipv6Address& r : b.regional) {
        addOnce(a.regional, r);
        byAddress_[r] = into;
    }
    if (b.router) setRouter(into);
    for (const Ipv6Address& c : b.careOf) addCareOf(into, c);
    for (const Mac& m : b.macs) {
        addOnce(a.macs, m);
        byMac_[m] = into;
    }
    a.evidence.insert(a.evidence.end(), b.evidence.begin(), b.evidence.end());
    a.episodes.insert(a.episodes.end(), std::make_move_iterator(b.episodes.begin()), std::make_move_iterator(b.episodes.end()));
    std::stable_sort(a.episodes.begin(), a.episodes.end(), [](const Episode& x, const Episode& y) { return x.first.frame < y.first.frame; });
    b = {};
    b.merged = true;
}

void Mobiles::learn(std::size_t index, const Update& update, const std::optional<Mac>& mac, const Observation& o)
{
    Mobile& mobile = mobiles_[index];
    if ((update.flags & wire::BindingUpdate::mobileRouter) != 0) setRouter(index);
    if (update.peer == Role::Map) {
        addOnce(mobile.regional, update.homeAddress);
        addCareOf(index, update.careOfAddress);
    } else {
        if (!mobile.homeAddress) mobile.homeAddress = update.homeAddress;
        homeAddresses_[update.homeAddress] = index;
        const bool regional = byAddress_.count(update.careOfAddress) != 0;
        if (!regional && update.careOfAddress != update.homeAddress) addCareOf(index, update.careOfAddress);
    }
    byAddress_[update.homeAddress] = index;
    if (mac) {
        addOnce(mobile.macs, *mac);
        byMac_[*mac] = index;
    }
    if (mobile.evidence.size() < maxEvidence) mobile.evidence.push_back(o.index);
}

void Mobiles::learnPaths(std::size_t index, const Update& update, const Presence& presence)
{
    Mobile& mobile = mobiles_[index];
    for (const BidBinding& binding : update.bindings) {
        const Ipv6Address& careOf = binding.careOfAddress;
        // Its home agent may be the one who claims the home address.
        if (binding.home && update.homeInterface && !presence.advertises(*update.homeInterface)) {
            mobile.homeInterface = update.homeInterface;
            addOnce(mobile.macs, *update.homeInterface);
            byMac_[*update.homeInterface] = index;
        }
        // A regional address is the MAP's to deliver to, one that was left out is known.
        if (binding.known || careOf == update.homeAddress || (update.peer != Role::Map && byAddress_.count(careOf) != 0)) continue;
        addCareOf(index, careOf);
        const std::optional<Mac> mac = presence.claimant(careOf);
        if (!mac || presence.advertises(*mac)) continue;
        addOnce(mobile.macs, *mac);
        byMac_[*mac] = index;
    }
}

void Mobiles::localEpisode(Mobile& mobile, const Update& update, std::size_t exchange, const Observation& o)
{
    if (update.lifetime == Duration{0}) return;
    if (!mobile.episodes.empty()) {
        Episode& last = mobile.episodes.back();
        const bool samePlace = last.careOf == update.careOfAddress;
        // To the previous MAP with the new LCoA (HMIP-MN-19): part of the same movement.
        const bool previous = samePlace && last.regional != update.homeAddress && hadRegional(mobile, update.homeAddress);
        if (samePlace && last.regional == update.homeAddress) return last.local.push_back(exchange);
        if (previous) return;
    }
    Episode episode;
    episode.regional = update.homeAddress;
    episode.careOf = update.careOfAddress;
    episode.first = {o.time, o.index};
    episode.local.push_back(exchange);
    mobile.episodes.push_back(std::move(episode));
}

void Mobiles::homeEpisode(Mobile& mobile, const Update& update, std::size_t exchange, const Observation& o)
{
    Episode* last = mobile.episodes.empty() ? nullptr : &mobile.episodes.back();
    const bool atHome = update.careOfAddress == update.homeAddress || update.fromHome();
    if (!atHome && update.lifetime == Duration{0}) return;
    if (last && last->home == atHome && !atHome && last->regional == update.careOfAddress) return last->homeExchanges.push_back(exchange);
    if (last && last->home == atHome && (atHome || (!last->regional && last->careOf == update.careOfAddress)))
        return last->homeExchanges.push_back(exchange);
    // A home registration of a regional address whose local registration was not seen, or an older one refreshed.
    if (!atHome && hadRegional(mobile, update.careOfAddress)) return;
    Episode episode;
    episode.careOf = atHome ? update.homeAddress : update.careOfAddress;
    episode.home = atHome;
    episode.first = {o.time, o.index};
    episode.homeExchanges.push_back(exchange);
    mobile.episodes.push_back(std::move(episode));
}

void Mobiles::add(const Signal& signal, const Presence& presence, const Observation& o)
{
    if (signal.kind != Signal::Kind::Update) return;
    const Update& update = *signal.update;
    if (update.peer == Role::Correspondent && !update.hasHomeAddressOption && !of(update.homeAddress)) return;
    // The interface is the one that owns the address on the link. A home address may be claimed by the home agent as proxy.
    std::optional<Mac> mac;
    if (update.peer == Role::Map || !of(update.careOfAddress)) mac = presence.claimant(update.careOfAddress);
    if (mac && presence.advertises(*mac)) mac.reset();
    if (update.careOfAddress == update.homeAddress) mac.reset();
    if (mobiles_.size() >= maxMobiles && byAddress_.count(update.homeAddress) == 0) return;
    const std::size_t owner = update.peer == Role::Map ? localOwner(update, mac) : homeOwner(update, mac);
    learn(owner, update, mac, o);
    Mobile& mobile = mobiles_[owner];
    // Several bindings at once are paths, not movements (RFC 5648); each may have an interface of its own.
    if (update.bindings.front().bid) return learnPaths(owner, update, presence);
    if (update.peer == Role::Map) localEpisode(mobile, update, signal.exchange, o);
    else if (update.peer == Role::HomeAgent) homeEpisode(mobile, update, signal.exchange, o);
}

}  // namespace roamscope::analysis
