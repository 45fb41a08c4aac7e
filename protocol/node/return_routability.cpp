// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/node/return_routability.hpp"

#include "protocol/crypto/hash.hpp"

#include <algorithm>

namespace roamscope::node {

namespace {

constexpr std::size_t authenticatorOctets = 12;
constexpr std::size_t checksumAt = 4;

std::array<std::uint8_t, 8> octetsOf(std::uint64_t value)
{
    std::array<std::uint8_t, 8> out{};
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(value >> 8 * (out.size() - 1 - i));
    return out;
}

template <class Message>
Bytes emitWithAuthenticator(Message message, ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent,
                            const wire::PseudoHeader& addresses)
{
    message.options.push_back(wire::BindingAuthorizationData{Bytes(authenticatorOctets)});
    const Bytes draft = wire::emitMobility(message, addresses);
    std::get<wire::BindingAuthorizationData>(message.options.back()).authenticator = authenticator(key, careOf, correspondent, draft);
    return wire::emitMobility(message, addresses);
}

}  // namespace

std::uint64_t keygenToken(ByteView nodeKey, const Ipv6Address& address, ByteView nonce, TokenKind kind)
{
    const std::array last{static_cast<std::uint8_t>(kind)};
    const Bytes digest = crypto::hmacSha1(nodeKey, {address.octets, nonce, last});
    std::uint64_t out = 0;
    for (std::size_t i = 0; i < 8; ++i) out = out << 8 | digest[i];
    return out;
}

Bytes bindingKey(std::uint64_t homeToken, std::optional<std::uint64_t> careOfToken)
{
    const auto home = octetsOf(homeToken);
    if (!careOfToken) return crypto::sha1({home});
    return crypto::sha1({home, octetsOf(*careOfToken)});
}

Bytes authenticator(ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent, ByteView message)
{
    if (message.size() < checksumAt + 2 + authenticatorOctets) return {};
    static constexpr std::array<std::uint8_t, 2> zero{};
    const ByteView behind = message.subspan(checksumAt + 2, message.size() - checksumAt - 2 - authenticatorOctets);
    Bytes digest = crypto::hmacSha1(key, {careOf.octets, correspondent.octets, message.first(checksumAt), zero, behind});
    digest.resize(authenticatorOctets);
    return digest;
}

Bytes emitAuthorized(wire::BindingUpdate message, ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent,
                     const wire::PseudoHeader& addresses)
{
    return emitWithAuthenticator(std::move(message), key, careOf, correspondent, addresses);
}

Bytes emitAuthorized(wire::BindingAck message, ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent,
                     const wire::PseudoHeader& addresses)
{
    return emitWithAuthenticator(std::move(message), key, careOf, correspondent, addresses);
}

bool isAuthorized(const std::vector<wire::MobilityOption>& options, ByteView key, const Ipv6Address& careOf,
                  const Ipv6Address& correspondent, ByteView message)
{
    const auto* data = endsInAuthorization(options, message) ? std::get_if<wire::BindingAuthorizationData>(&options.back()) : nullptr;
    return data && crypto::isSame(data->authenticator, authenticator(key, careOf, correspondent, message));
}

bool endsInAuthorization(const std::vector<wire::MobilityOption>& options, ByteView message)
{
    const auto* data = options.empty() ? nullptr : std::get_if<wire::BindingAuthorizationData>(&options.back());
    if (!data || data->authenticator.size() != authenticatorOctets || message.size() < authenticatorOctets) return false;
    // Padding behind the option would stand where the authenticator must: RFC 6275 §6.2.7 wants it last and unpadded.
    return crypto::isSame(data->authenticator, message.last(authenticatorOctets));
}

// ---- nonces

Nonces::Nonces(Random random, const Settings& settings)
    : random_(random), interval_(settings.interval), lifetime_(std::min(settings.interval * static_cast<std::int64_t>(settings.number), maximumLifetime)),
      lastIndex_(static_cast<std::uint16_t>(random_.next()))
{
    constexpr std::size_t keyOctets = 20;
    nodeKey_ = drawn(keyOctets);
}

Bytes Nonces::drawn(std::size_t octets)
{
    Bytes out(octets);
    for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(random_.next() >> 56);
    return out;
}

const Nonces::Nonce& Nonces::current(TimePoint now)
{
    if (!nonces_.empty() && !retired_ && !nonces_.back().forgotten && now < nonces_.back().from + interval_) return nonces_.back();
    retired_ = false;
    while (!nonces_.empty() && now >= nonces_.front().from + lifetime_) nonces_.pop_front();
    constexpr std::size_t octets = 8;
    if (++lastIndex_ == 0) ++lastIndex_;
    nonces_.push_back({lastIndex_, drawn(octets), now});
    return nonces_.back();
}

void Nonces::forget(std::uint16_t index)
{
    for (Nonce& nonce : nonces_)
        if (nonce.index == index) nonce.forgotten = true;
}

void Nonces::retire(std::uint16_t index)
{
    constexpr std::size_t most = 256;  // whoever registers and deletes in turns makes no more than these
    if (!nonces_.empty() && nonces_.back().index == index && nonces_.size() < most) retired_ = true;
}

const Nonces::Nonce* Nonces::find(TimePoint now, std::uint16_t index) const
{
    for (const Nonce& nonce : nonces_)
        if (nonce.index == index && !nonce.forgotten && now < nonce.from + lifetime_) return &nonce;
    return nullptr;
}

}  // namespace roamscope::node
