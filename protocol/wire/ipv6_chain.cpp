// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/ipv6_chain.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr std::uint8_t optionPad1 = 0;
constexpr std::uint8_t optionPadN = 1;

bool isExtension(std::uint8_t header)
{
    return header == protocol::hopByHop || header == protocol::destinationOptions || header == protocol::routing ||
           header == protocol::fragment || header == protocol::ah;
}

class ChainParser {
public:
    ChainParser(FieldReader& in, Ipv6Packet& packet, std::uint8_t next, ChainPlace place, bool pastAuthentication)
        : in_(in), sink_(in.sink()), packet_(packet), place_(place), pastAuthentication_(pastAuthentication)
    {
        chain_.next = next;
        protected_ = place == ChainPlace::Packet ? "" : place == ChainPlace::Reassembled ? "fragment header" : "ESP header";
    }

    Result<Chain> run()
    {
        for (int i = 0;; ++i) {
            if (i == maxExtensionHeaders) {
                chain_.limited = isExtension(chain_.next);
                break;
            }
            if (i == shownExtensionHeaders && sink_ && isExtension(chain_.next)) hideTheRest();
            const auto followed = follow(i == 0 && place_ == ChainPlace::Packet);
            if (!followed) return tl::unexpected(followed.error());
            if (!*followed) break;
        }
        return std::move(chain_);
    }

private:
    struct HeaderIds {
        FieldId header, next, length;
    };

    void hideTheRest()
    {
        sink_->add(FieldId::Limit, in_.offset(), 0,
                   fmt::format("more than {} extension headers: the following ones are read but not listed", shownExtensionHeaders));
        const std::size_t position = in_.position();
        in_ = FieldReader(in_.whole(), in_.offset() - position, nullptr, in_.context());
        in_.skip(position);
    }

    void finding(std::string_view rule, Severity severity, std::string text, std::string_view rfc, std::size_t offset, std::size_t length) const
    {
        if (sink_) sink_->finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(offset), static_cast<std::uint32_t>(length)});
    }
    void violate(std::size_t offset, std::string text)
    {
        if (!chain_.violation) chain_.violation = Error{ErrorCode::Malformed, offset, std::move(text)};
    }

    /// Reads the extension header chain_.next. False when it is none that is followed.
    Result<bool> follow(bool first)
    {
        const std::size_t at = in_.offset();
        switch (chain_.next) {
        case protocol::hopByHop:
            if (!first) {
                const char* text = "a hop-by-hop options header that is not the first header";
                finding("", Severity::Error, text, "RFC 8200 §4.1", at, std::min<std::size_t>(8, in_.remaining()));
                violate(at, text);
            }
            return optionsHeader({FieldId::HopByHop, FieldId::HopByHopNext, FieldId::HopByHopLength}, packet_.hopByHop, true);
        case protocol::destinationOptions:
            return optionsHeader({FieldId::DestinationOptions, FieldId::DestinationNext, FieldId::DestinationLength}, packet_.destinationOptions, false);
        case protocol::routing: return routingHeader();
        case protocol::ah:
            if (pastAuthentication_) return authenticationHeader();
            return false;
        case protocol::fragment: return fragmentHeader();
        default: return false;
        }
    }

    /// The length of the header at `start`, or the error that it does not fit.
    Result<std::size_t> whole(std::size_t start, std::size_t length, std::string_view what)
    {
        if (!in_.failed() && start + length <= in_.whole().size()) return start + length;
        in_.close();
        return fail(ErrorCode::Truncated, in_.offset() - (in_.position() - start), fmt::format("{} of {} octets, fewer are there", what, length));
    }

    Result<bool> optionsHeader(const HeaderIds& ids, std::vector<Ipv6Option>& options, bool hopByHop)
    {
        const std::size_t start = in_.position();
        in_.open(ids.header);
        chain_.next = in_.u8(ids.next);
        in_.note(nextHeaderName(chain_.next));
        const auto end = whole(start, 8 * (std::size_t{in_.u8(ids.length)} + 1), "extension header");
        if (!end) return tl::unexpected(end.error());
        const auto read = readOptions(start, *end, options, hopByHop);
        in_.close();
        if (!read) return tl::unexpected(read.error());
        return true;
    }

    Result<void> readOptions(std::size_t start, std::size_t end, std::vector<Ipv6Option>& options, bool hopByHop)
    {
        FieldReader all = in_;
        int count = 0;
        std::size_t padding = 0;  // Pad1 options in a row
        while (in_.position() < end) {
            if (++count > shownOptions && in_.sink()) {
                in_.sink()->add(FieldId::Limit, in_.offset(), 0, fmt::format("more than {} options: the following ones are read but not listed", shownOptions));
                const std::size_t position = in_.position();
                in_ = FieldReader(in_.whole(), in_.offset() - position, nullptr, in_.context());
                in_.skip(position);
            }
            if (in_.whole()[in_.position()] == optionPad1) {
                if (++padding == 2)
                    finding("", Severity::Note, "several Pad1 options in a row where one PadN belongs", "RFC 8200 §4.2", in_.offset() - 1, 2);
                pad1();
                continue;
            }
            padding = 0;
            if (auto read = option(start, end, options, hopByHop); !read) return read;
        }
        // The listing goes on behind the header.
        const std::size_t done = in_.position();
        in_ = all;
        in_.skip(done - all.position());
        return {};
    }

    void pad1()
    {
        const std::size_t at = in_.offset();
        in_.open(FieldId::Ipv6Option);
        in_.headline("Pad1");
        in_.u8(FieldId::Ipv6OptionType);
        if (in_.sink()) in_.sink()->add(FieldId::Ipv6OptionPad1, at, 1, {});
        in_.close();
    }

    std::uint8_t optionType()
    {
        const std::uint8_t type = in_.u8(FieldId::Ipv6OptionType);
        in_.bits(1, type, {FieldId::Ipv6OptionAction, FieldId::Ipv6OptionChange, FieldId::Ipv6OptionRest});
        return type;
    }

    Result<void> option(std::size_t headerStart, std::size_t end, std::vector<Ipv6Option>& options, bool hopByHop)
    {
        const std::size_t at = in_.offset();
        const std::size_t place = in_.position() - headerStart;
        in_.open(FieldId::Ipv6Option);
        const std::uint8_t type = optionType();
        const std::uint8_t length = in_.u8(FieldId::Ipv6OptionLength);
        if (in_.failed() || in_.position() + length > end) {
            in_.close();
            return fail(ErrorCode::Malformed, at, fmt::format("option of type {} with length {} runs past the end of its header", type, length));
        }
        const ByteView data = in_.whole().subspan(in_.position(), length);
        if (type == optionPadN) {
            if (std::any_of(data.begin(), data.end(), [](std::uint8_t octet) { return octet != 0; }))
                finding("", Severity::Warning, "PadN with octets that are not zero", "RFC 8200 §4.2", at, 2u + length);
            in_.reserved(FieldId::Ipv6OptionPadN, length);
            if (length == 0 && in_.sink()) in_.sink()->add(FieldId::Ipv6OptionPadN, in_.offset(), 0, Bytes{});
            in_.headline("PadN");
            in_.close();
            return {};
        }
        showOption(type, length);
        in_.close();
        if (type == optionHomeAddress) judgeHomeAddress({at, 2u + length}, place, data, hopByHop);
        if (type == optionJumbo && hopByHop && length == 4 && Reader(data).u32() <= 65535)
            finding("", Severity::Error, fmt::format("jumbo payload length {}, more than 65535 is required", Reader(data).u32()), "RFC 2675 §3", at + 2, 4);
        options.push_back({type, Bytes(data.begin(), data.end())});
        return {};
    }

    void showOption(std::uint8_t type, std::uint8_t length)
    {
        if (type == optionHomeAddress && length == 16) {
            in_.address(FieldId::Ipv6HomeAddress);
            in_.headline("Home address");
        } else if (type == optionRouterAlert && length == 2) {
            in_.u16(FieldId::Ipv6RouterAlert);
            in_.headline("Router alert");
        } else if (type == optionTunnelLimit && length == 1) {
            in_.u8(FieldId::Ipv6TunnelLimit);
            in_.headline("Tunnel encapsulation limit");
        } else if (type == optionJumbo && length == 4) {
            in_.u32(FieldId::Ipv6Jumbo);
            in_.headline("Jumbo payload");
        } else {
            in_.reserved(FieldId::Ipv6OptionData, length);
            if (in_.texts()) in_.headline(fmt::format("Option {}", type));
        }
    }

    /// RFC 6275 §6.3: form, place and address of the home address option.
    void judgeHomeAddress(OctetRange range, std::size_t place, ByteView data, bool hopByHop)
    {
        constexpr std::string_view rfc = "RFC 6275 §6.3";
        const bool again = chain_.homeAddress.has_value();
        if (!again) chain_.homeAddress = range;
        if (!sink_) return;
        if (hopByHop)
            return finding("", Severity::Error, "home address option in a hop-by-hop header; it belongs into destination options", rfc, range.offset, range.length);
        if (data.size() != 16)
            return finding("", Severity::Error, fmt::format("home address option with length {} instead of 16", data.size()), rfc, range.offset, 2);
        if (again) finding("", Severity::Error, "two home address options under one IPv6 header", rfc, range.offset, range.length);
        if (!protected_.empty())
            finding("", Severity::Error, fmt::format("home address option behind the {}; it must stand before it", protected_), rfc, range.offset, range.length);
        Ipv6Address address;
        std::copy(data.begin(), data.end(), address.octets.begin());
        if (!address.isUnicastRoutable())
            finding("", Severity::Error, fmt::format("home address {} is not a unicast routable address", address.text()), rfc, range.offset + 2, 16);
        if (place % 8 != 6)
            finding("", Severity::Warning, "home address option that is not aligned at 8n+6", rfc, range.offset, range.length);
    }

    Result<bool> routingHeader()
    {
        const std::size_t start = in_.position();
        const std::size_t at = in_.offset();
        in_.open(FieldId::Routing);
        chain_.next = in_.u8(FieldId::RoutingNext);
        in_.note(nextHeaderName(chain_.next));
        const std::uint8_t units = in_.u8(FieldId::RoutingLength);
        const std::uint8_t type = in_.u8(FieldId::RoutingType);
        const std::uint8_t left = in_.u8(FieldId::RoutingSegmentsLeft);
        const auto end = whole(start, 8 * (std::size_t{units} + 1), "routing header");
        if (!end) return tl::unexpected(end.error());
        if (chain_.homeAddress)
            finding("", Severity::Error, "home address option before the routing header; it must stand behind it", "RFC 6275 §6.3", chain_.homeAddress->offset,
                    chain_.homeAddress->length);
        if (type == 2) type2(at, *end, units, left);
        else otherRouting(at, *end, type, left);
        in_.close();
        return true;
    }

    /// RFC 6275 §6.4.1 (MN-RX-02): the form. Whether the address is its own is the receiver's business.
    void type2(std::size_t at, std::size_t end, std::uint8_t units, std::uint8_t left)
    {
        constexpr std::string_view rule = "MN-RX-02";
        constexpr std::string_view rfc = "RFC 6275 §6.4.1";
        in_.headline("Type 2 (Mobile IPv6)");
        const bool again = chain_.routing2.has_value();
        if (!again) chain_.routing2 = OctetRange{at, 8u * (units + 1u)};
        if (units != 2 || left != 1) {
            const std::string text = fmt::format("type 2 routing header with length {} and {} segments left; it must have 2 and 1", units, left);
            finding(rule, Severity::Error, text, rfc, units != 2 ? at + 1 : at + 3, units != 2 && left != 1 ? 3 : 1);
            if (units != 2) violate(at + 1, fmt::format("type 2 routing header with length {} instead of 2", units));
        }
        if (units != 2) return in_.reserved(FieldId::RoutingData, end - in_.position());
        in_.reserved(FieldId::RoutingReserved, 4);
        const Ipv6Address address = in_.address(FieldId::RoutingHomeAddress);
        if (again) {
            const char* text = "a second type 2 routing header under one IPv6 header";
            finding(rule, Severity::Error, text, rfc, at, 24);
            return violate(at, text);
        }
        packet_.routing = Type2Routing{left, address};
        if (!address.isUnicastRoutable())
            finding(rule, Severity::Error, fmt::format("home address {} is not a unicast routable address", address.text()), "RFC 6275 §6.4", at + 8, 16);
    }

    void otherRouting(std::size_t at, std::size_t end, std::uint8_t type, std::uint8_t left)
    {
        if (chain_.routing2)
            finding("", Severity::Warning, "type 2 routing header before another routing header; it should stand behind it", "RFC 6275 §6.4.1",
                    chain_.routing2->offset, chain_.routing2->length);
        if (type == 0) sourceRoute(at, end, left);
        else if (type == 3) lowPower(end);
        else if (type == 4) segments(end, left);
        else if (in_.texts()) in_.headline(fmt::format("Type {}", type));
        if (in_.position() < end) in_.reserved(FieldId::RoutingData, end - in_.position());
    }

    void sourceRoute(std::size_t at, std::size_t end, std::uint8_t left)
    {
        in_.headline("Type 0 (source route, deprecated)");
        finding("", Severity::Warning, "type 0 routing header, which is deprecated", "RFC 5095 §3", at + 2, 1);
        in_.reserved(FieldId::RoutingSourceReserved, 4);
        std::optional<Ipv6Address> last;
        while (end - in_.position() >= 16) last = in_.address(FieldId::RoutingSourceAddress);
        if (left > 0) chain_.finalDestination = last;
    }

    void lowPower(std::size_t end)
    {
        in_.headline("Type 3 (RPL)");
        const std::uint32_t word = in_.Reader::u32();
        in_.bits(4, word, {FieldId::RoutingRplInner, FieldId::RoutingRplLast, FieldId::RoutingRplPad});
        in_.reserved(FieldId::RoutingData, end - in_.position());
    }

    void segments(std::size_t end, std::uint8_t left)
    {
        in_.headline("Type 4 (segment routing)");
        std::size_t count = 1 + std::size_t{in_.u8(FieldId::RoutingLastEntry)};
        in_.u8(FieldId::RoutingSegmentFlags);
        in_.reserved(FieldId::RoutingSegmentTag, 2);
        for (bool first = true; count > 0 && end - in_.position() >= 16; --count, first = false) {
            const Ipv6Address segment = in_.address(FieldId::RoutingSegment);
            if (first && left > 0) chain_.finalDestination = segment;
        }
    }

    /// RFC 4302; its proof is checked by nobody here.
    Result<bool> authenticationHeader()
    {
        const std::size_t start = in_.position();
        in_.open(FieldId::Authentication);
        chain_.next = in_.u8(FieldId::AuthenticationNext);
        in_.note(nextHeaderName(chain_.next));
        const std::size_t length = 4 * (std::size_t{in_.u8(FieldId::AuthenticationLength)} + 2);
        in_.reserved(FieldId::AuthenticationReserved, 2);
        in_.u32(FieldId::AuthenticationSpi);
        in_.u32(FieldId::AuthenticationSeq);
        const auto end = whole(start, std::max<std::size_t>(length, 12), "authentication header");
        if (!end) return tl::unexpected(end.error());
        if (*end > in_.position()) in_.reserved(FieldId::AuthenticationIcv, *end - in_.position());
        in_.close();
        chain_.authenticated = true;
        protected_ = "authentication header";
        return true;
    }

    /// Followed only when the packet is whole all the same (offset 0, no more fragments: RFC 6946 "atomic").
    Result<bool> fragmentHeader()
    {
        FieldReader before = in_;
        FragmentHeader header;
        header.offset = in_.offset();
        in_.open(FieldId::Fragment);
        header.next = in_.u8(FieldId::FragmentNext);
        in_.note(nextHeaderName(header.next));
        in_.u8(FieldId::FragmentReserved);
        const std::uint16_t word = in_.Reader::u16();
        in_.bits(2, word, {FieldId::FragmentOffset, FieldId::FragmentReservedBits, FieldId::FragmentMore});
        header.id = in_.u32(FieldId::FragmentId);
        header.place = word & 0xfff8;
        header.more = (word & 1) != 0;
        in_.close();
        if (in_.failed()) return fail(ErrorCode::Truncated, header.offset, "a fragment header has 8 octets, fewer are there");
        protected_ = "fragment header";
        if (header.place == 0 && !header.more) {
            chain_.next = header.next;
            return true;
        }
        chain_.fragment = header;
        in_ = before;  // its octets stay part of the payload
        return false;
    }

    FieldReader& in_;
    FieldSink* sink_;  ///< for findings; in_ may have lost its own at a limit
    Ipv6Packet& packet_;
    ChainPlace place_;
    bool pastAuthentication_;
    Chain chain_;
    std::string_view protected_;  ///< the header that home address options must not stand behind
};

}  // namespace

Result<Chain> parseChain(FieldReader& in, Ipv6Packet& packet, std::uint8_t next, ChainPlace place, bool pastAuthentication)
{
    return ChainParser(in, packet, next, place, pastAuthentication).run();
}

void judgeCarrier(FieldSink& sink, std::uint8_t mobilityType, const Chain& chain)
{
    // Return routability, update and error messages of RFC 6275; nothing later sends them otherwise.
    constexpr std::uint8_t bindingUpdate = 5;
    constexpr std::uint8_t bindingAck = 6;
    constexpr std::uint8_t bindingError = 7;
    if (mobilityType > bindingError) return;
    const auto report = [&](const std::optional<OctetRange>& range, std::string_view what) {
        if (range)
            sink.finding({"", Severity::Error, fmt::format("a mobility message of type {} with a {}", mobilityType, what), "RFC 6275 §6.1",
                          static_cast<std::uint32_t>(range->offset), static_cast<std::uint32_t>(range->length)});
    };
    if (mobilityType != bindingAck) report(chain.routing2, "type 2 routing header, which only an acknowledgement may have");
    if (mobilityType != bindingUpdate) report(chain.homeAddress, "home address option, which only an update may have");
}

}  // namespace roamscope::wire
