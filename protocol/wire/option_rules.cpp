// SPDX-License-Identifier: GPL-3.0-or-later
// Rules about the values inside one mobility option: lengths that no address has, a code or flag that contradicts the length, sub-options
// that run past the end, care-of addresses that nobody can reach. The length of the option itself is a finding of the parser.
#include "protocol/base/address.hpp"
#include "protocol/wire/mobility_bodies.hpp"
#include "protocol/wire/option_bodies.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr unsigned ipv6Bits = 128;
constexpr unsigned ipv4Bits = 32;
constexpr std::size_t ipv6Length = 18;  ///< Length of an option that holds two octets and an IPv6 address
constexpr std::size_t header = 2;       ///< Type and Length

class OptionChecker {
public:
    OptionChecker(FieldSink& sink, ByteView option, std::size_t offset) : sink_(sink), data_(option.subspan(header)), at_(offset + header) {}

    void run(std::uint8_t type)
    {
        switch (type) {
        case optionNetworkPrefix: return prefix(1, 0, ipv6Bits, "RFC 3963 §4.3");
        case optionHomePrefix: return prefix(1, 0, ipv6Bits, "RFC 5213 §8.3");
        case optionMobilityAddress: return prefix(1, 0, ipv6Bits, "RFC 5568 §6.4.2");
        case optionIpv4Home: return prefix(0, 2, ipv4Bits, "RFC 5555 §3.1.1");
        case optionIpv4Ack: return prefix(1, 2, ipv4Bits, "RFC 5555 §3.2.1");
        case 36: return prefix(0, 2, ipv4Bits, "RFC 5844 §3.3.1");
        case 37: return prefix(1, 2, ipv4Bits, "RFC 5844 §3.3.2");
        case 40: return contextRequest();
        case 41: return anchorAddress();
        case 47: return redirect();
        case 51: return gatewayAddress();
        case 52: return accessNetwork();
        case 55: return delegatedPrefix();
        default: return;
        }
    }

    void careOf(std::size_t position, std::string_view rule, std::string_view rfc)
    {
        Reader in(data_);
        in.skip(position);
        Ipv6Address address;
        const ByteView octets = in.take(address.octets.size());
        if (in.failed()) return;
        std::copy(octets.begin(), octets.end(), address.octets.begin());
        if (!address.isUnicastRoutable())
            report(rule, fmt::format("care-of address {} is not a unicast routable address", address.text()), rfc, position, octets.size());
    }

    void report(std::string_view rule, std::string text, std::string_view rfc, std::size_t position, std::size_t length, Severity severity = Severity::Error)
    {
        sink_.finding({rule, severity, std::move(text), rfc, static_cast<std::uint32_t>(at_ + position), static_cast<std::uint32_t>(length)});
    }

private:
    void prefix(std::size_t position, unsigned shift, unsigned most, std::string_view rfc)
    {
        if (position >= data_.size()) return;
        const unsigned length = unsigned{data_[position]} >> shift;
        if (length > most) report("", fmt::format("prefix length {}; an address has {} bits", length, most), rfc, position, 1);
    }

    /// A code or flag at the first octet says which family of address follows; the length says it too.
    void family(bool saysIpv4, std::string_view what, std::string_view rfc)
    {
        if (saysIpv4 == (data_.size() < ipv6Length)) return;
        report("", fmt::format("{} says IPv{}, but the address has {} octets", what, saysIpv4 ? 4 : 6, data_.size() - header), rfc, 0, 1);
    }

    void anchorAddress()
    {
        if (data_[0] == 1 || data_[0] == 2) family(data_[0] == 2, "option code", "RFC 5949 §6.2.2");
    }

    void redirect()
    {
        const unsigned flags = data_[0] >> 6;
        if (flags == 1 || flags == 2) return family(flags == 1, "flag", "RFC 6463 §4.2");
        sink_.finding({"", Severity::Error, "redirect option in which not exactly one of K and N is set", "RFC 6463 §4.2",
                       static_cast<std::uint32_t>(at_ - header), static_cast<std::uint32_t>(data_.size() + header)});
    }

    void gatewayAddress()
    {
        if (data_[1] != ipv6Bits) report("", fmt::format("address length {} instead of 128", data_[1]), "RFC 6705 §11.1", 1, 1);
    }

    void delegatedPrefix()
    {
        const bool ipv4 = (data_[0] & 0x80) != 0;
        family(ipv4, "V flag", "RFC 7148 §4.1");
        prefix(1, 0, ipv4 ? ipv4Bits : ipv6Bits, "RFC 7148 §4.1");
    }

    /// Type, length, data, again and again from `position`; calls `each` with position and length of the data.
    template <class Each>
    void list(std::size_t position, std::string_view what, std::string_view rfc, Each each)
    {
        while (position < data_.size()) {
            const std::size_t left = data_.size() - position;
            if (left < header || data_[position + 1] > left - header)
                return report("", fmt::format("{} {} runs past the end of its option", what, data_[position]), rfc, position, left);
            each(data_[position], position + header, std::size_t{data_[position + 1]});
            position += header + data_[position + 1];
        }
    }

    void contextRequest()
    {
        list(header, "request for option", "RFC 5949 §6.2.1", [](std::uint8_t, std::size_t, std::size_t) {});
    }

    void accessNetwork()
    {
        list(0, "access network sub-option", "RFC 6757 §3.1", [&](std::uint8_t type, std::size_t at, std::size_t length) {
            const bool fits = type == 1 ? namesFit(at, length) : type == 2 ? length == 6 : type == 3 ? length >= 1 : true;
            if (!fits) report("", fmt::format("access network sub-option {} with length {}, which does not fit", type, length), "RFC 6757 §3.1", at - header, length + header);
        });
    }

    /// RFC 6757 §3.1.1: flags, then two names, each behind its length.
    [[nodiscard]] bool namesFit(std::size_t at, std::size_t length) const
    {
        if (length < 2) return false;
        const std::size_t network = data_[at + 1];
        if (2 + network + 1 > length) return false;
        return 2 + network + 1 + std::size_t{data_[at + 2 + network]} <= length;
    }

    FieldSink& sink_;
    ByteView data_;   ///< behind Length
    std::size_t at_;  ///< offset of data_
};

}  // namespace

void checkOption(FieldSink& sink, std::uint8_t type, ByteView option, std::size_t offset)
{
    if (option.size() >= 2 * header) OptionChecker(sink, option, offset).run(type);
    else if (type == 52 && option.size() > header) OptionChecker(sink, option, offset).run(type);
}

void checkCareOf(FieldSink& sink, const BindingUpdate& update, std::uint8_t type, ByteView option, std::size_t offset)
{
    constexpr std::size_t careOfInIdentifier = 4;
    OptionChecker checker(sink, option, offset);
    if (type == optionAlternateCareOf) return checker.careOf(0, "", "RFC 6275 §6.1.7");
    if (type != optionBindingIdentifier || option.size() < header + careOfInIdentifier) return;
    const bool home = update.has(BindingUpdate::homeRegistration) || update.has(BindingUpdate::mapRegistration);
    const std::size_t length = option.size() - header;
    if (length == careOfInIdentifier + 16) checker.careOf(careOfInIdentifier, "MCOA-HA-02", "RFC 5648 §6.2");
    if (length == careOfInIdentifier + 4 && !home)
        checker.report("", "IPv4 care-of address in an update that is no home registration", "RFC 5648 §4.3", careOfInIdentifier, 4);
    if (!home && (option[header + 3] & 0x80) != 0)
        checker.report("", "H flag of a binding identifier in an update that is no home registration", "RFC 5648 §4.3", 3, 1, Severity::Warning);
}

}  // namespace roamscope::wire
