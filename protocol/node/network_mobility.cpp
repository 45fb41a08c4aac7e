// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/network_mobility.hpp"

#include <algorithm>

namespace roamscope::node {

namespace status = wire::bindingStatus;

NetworkMobility::NetworkMobility(Settings settings, Random random) : settings_(std::move(settings)), mode_(settings_.mode) { makeAdvertisers(random); }

void NetworkMobility::makeAdvertisers(Random random)
{
    advertisers_.clear();
    for (const RouterAdvertiser::Settings& advertisement : settings_.advertisements)
        if (isIngress(advertisement.interface)) advertisers_.emplace_back(advertisement, random.fork(advertisement.interface));  // NEMO-MR-04
}

void NetworkMobility::configure(TimePoint now, Settings settings, Random random)
{
    settings.ingress = settings_.ingress;
    settings_ = std::move(settings);
    mode_ = settings_.mode;
    state_ = State::Registering;
    accepted();
    makeAdvertisers(random);
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.startAt(now);
}

bool NetworkMobility::isIngress(std::size_t interface) const
{
    return std::find(settings_.ingress.begin(), settings_.ingress.end(), interface) != settings_.ingress.end();
}

bool NetworkMobility::isBehind(const Ipv6Address& address) const
{
    return std::any_of(settings_.prefixes.begin(), settings_.prefixes.end(), [&](const Prefix& p) { return p.contains(address); });
}

std::vector<wire::MobilityOption> NetworkMobility::options() const
{
    std::vector<wire::MobilityOption> out;
    if (mode_ == Mode::Implicit) return out;
    for (const Prefix& prefix : settings_.prefixes) out.emplace_back(wire::MobileNetworkPrefix{prefix.masked()});
    return out;
}

// ---- home agents

void NetworkMobility::refused(const Ipv6Address& agent, std::uint8_t code)
{
    lastRefusal_ = code;
    if (refusals_.size() < maxRefusals) refusals_.insert(agent);
    // RFC 3963 §5.4: these must not be sent in this mode, so nothing that follows would mean anything.
    const bool ofPrefixes = code == status::invalidPrefix || code == status::notAuthorizedForPrefix;
    const bool fatal = mode_ == Mode::Implicit ? ofPrefixes : code == status::forwardingSetupFailed;
    if (fatal) state_ = State::GivenUp;
}

void NetworkMobility::leave(const Ipv6Address& agent)
{
    lastRefusal_ = 0;
    if (refusals_.size() < maxRefusals) refusals_.insert(agent);
    state_ = State::Leaving;
}

void NetworkMobility::accepted()
{
    refusals_.clear();
    lastRefusal_ = 0;
    looked_ = false;
    changed_ = false;
}

bool NetworkMobility::look()
{
    if (std::exchange(looked_, true)) return false;
    state_ = State::Looking;
    return true;
}

bool NetworkMobility::changeMode(TimePoint now, IpStack& stack, Output& out)
{
    const bool ofPrefixes = lastRefusal_ == status::invalidPrefix || lastRefusal_ == status::notAuthorizedForPrefix;
    // NEMO-MR-03: nobody forwards to them.
    if (ofPrefixes && mode_ == Mode::Explicit) cease(now, stack, out);
    const bool helps = mode_ == Mode::Implicit ? lastRefusal_ == status::forwardingSetupFailed : ofPrefixes;
    if (!settings_.otherMode || !helps || std::exchange(changed_, true)) return false;
    mode_ = mode_ == Mode::Implicit ? Mode::Explicit : Mode::Implicit;
    refusals_.clear();
    state_ = State::Registering;
    return true;
}

void NetworkMobility::arrivedHome()
{
    if (state_ == State::Leaving || state_ == State::Looking) state_ = State::Registering;
}

// ---- the mobile network

bool NetworkMobility::answer(TimePoint now, const Delivery& delivery, IpStack& stack, Output& out) { return answerSolicitation(now, delivery, stack, advertisers_, out); }

void NetworkMobility::advance(TimePoint now, IpStack& stack, Output& out)
{
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.advance(now, stack, out);
}

void NetworkMobility::cease(TimePoint now, IpStack& stack, Output& out)
{
    for (RouterAdvertiser& advertiser : advertisers_) advertiser.cease(now, stack, out);
    advertisers_.clear();
}

std::optional<TimePoint> NetworkMobility::nextDeadline() const
{
    std::optional<TimePoint> next;
    for (const RouterAdvertiser& advertiser : advertisers_) next = earlier(next, advertiser.nextDeadline());
    return next;
}

}  // namespace roamscope::node
