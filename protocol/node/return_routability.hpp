// SPDX-License-Identifier: GPL-3.0-or-later
// What both ends of the return routability procedure compute (RFC 6275 §5.2; RR-CN-02 to -05, -22): keygen tokens, the binding
// management key, the authenticator of a Binding Update or Acknowledgement, and the nonces of a correspondent node.
#pragma once

#include "protocol/base/random.hpp"
#include "protocol/wire/mobility.hpp"

#include <deque>

namespace roamscope::node {

/// The last octet of what a token is computed over (RFC 6275 §5.2.5).
enum class TokenKind : std::uint8_t { Home = 0, CareOf = 1 };

/// First 64 bits of HMAC-SHA1(Kcn, address ∥ nonce ∥ kind), as the field of the message reads (RR-CN-02).
[[nodiscard]] std::uint64_t keygenToken(ByteView nodeKey, const Ipv6Address& address, ByteView nonce, TokenKind kind);

/// Kbm = SHA1(home token ∥ care-of token), without the second one to delete a binding (RR-CN-03). 20 octets.
[[nodiscard]] Bytes bindingKey(std::uint64_t homeToken, std::optional<std::uint64_t> careOfToken);

/// First 96 bits of HMAC-SHA1(Kbm, care-of address ∥ correspondent ∥ message) for a whole message that ends in the 12 octets of
/// its authenticator; these and the checksum do not count (RR-CN-04). Empty when the message is shorter than that.
[[nodiscard]] Bytes authenticator(ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent, ByteView message);

/// `message` with a Binding Authorization Data option as its last one.
[[nodiscard]] Bytes emitAuthorized(wire::BindingUpdate message, ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent,
                                   const wire::PseudoHeader& addresses);
[[nodiscard]] Bytes emitAuthorized(wire::BindingAck message, ByteView key, const Ipv6Address& careOf, const Ipv6Address& correspondent,
                                   const wire::PseudoHeader& addresses);

/// Whether the last option of `options` authorizes the whole `message` (it has 12 octets, RR-CN-06).
[[nodiscard]] bool isAuthorized(const std::vector<wire::MobilityOption>& options, ByteView key, const Ipv6Address& careOf,
                                const Ipv6Address& correspondent, ByteView message);

/// The option stands at the end of the options and of `message`, without padding behind it (MN-BU-08).
[[nodiscard]] bool endsInAuthorization(const std::vector<wire::MobilityOption>& options, ByteView message);

/// The nonces of a correspondent node and its key Kcn, drawn from a stream of random numbers of their own. By default a nonce is
/// handed out for 30 s and good for 240 s, so that a token lives for at least 210 s (RR-CN-05). Nothing is kept for the nodes that ask.
class Nonces {
public:
    static constexpr Duration maximumLifetime = 240s;  ///< MAX_NONCE_LIFETIME
    struct Settings {
        Duration interval = 30s;  ///< how long a nonce is handed out, > 0
        std::size_t number = 8;   ///< of nonces that are good at a time, >= 1; a nonce lives interval × number, at most 240 s
    };

    explicit Nonces(Random random) : Nonces(random, Settings{}) {}
    Nonces(Random random, const Settings& settings);

    /// How long a nonce is good, from when it is handed out first.
    [[nodiscard]] Duration lifetime() const { return lifetime_; }

    struct Nonce {
        std::uint16_t index = 0;  ///< never 0, which stands for "no care-of nonce" in a deletion
        Bytes octets;
        TimePoint from{};
        bool forgotten = false;
    };
    /// The one for new tokens.
    [[nodiscard]] const Nonce& current(TimePoint now);
    /// A binding that this nonce proved was deleted: it is handed out no more, so that the mobile node's next proof is another one
    /// (RR-CN-09). Nothing while there are many nonces: then it waits for the next one that time brings.
    void retire(std::uint16_t index);
    /// The nonce with this index proves nothing any more (RR-CN-09, as a last resort).
    void forget(std::uint16_t index);
    /// Null when it is unknown or too old.
    [[nodiscard]] const Nonce* find(TimePoint now, std::uint16_t index) const;

    [[nodiscard]] std::uint64_t token(const Nonce& nonce, const Ipv6Address& address, TokenKind kind) const
    {
        return keygenToken(nodeKey_, address, nonce.octets, kind);
    }

private:
    [[nodiscard]] Bytes drawn(std::size_t octets);

    Random random_;
    Duration interval_;
    Duration lifetime_;
    Bytes nodeKey_;
    std::uint16_t lastIndex_;
    bool retired_ = false;      ///< the last nonce is handed out no more
    std::deque<Nonce> nonces_;  ///< oldest first
};

}  // namespace roamscope::node
