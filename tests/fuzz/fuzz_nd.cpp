// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of ICMPv6 messages with their options. Input: octet 0 chooses the dialect and whether the capture cut the message,
// octet 1 the type, octet 2 the code; the rest stands behind the checksum. Stops the process when something that must hold for
// any octets does not.
#include "protocol/wire/icmpv6_rules.hpp"
#include "tests/support/frame_checks.hpp"

#include <cstdio>
#include <cstdlib>

using namespace roamscope;
using namespace roamscope::wire;
using namespace roamscope::test;

namespace {

void require(const std::string& fault)
{
    if (fault.empty()) return;
    std::fprintf(stderr, "fuzz_nd: %s\n", fault.c_str());
    std::abort();
}

using Parsed = Result<Checked<Icmpv6Message>>;

Parsed parse(const Bytes& message, bool cut, const DecodeContext& context, FieldSink* sink)
{
    FieldReader in(message, 0, sink, context);
    return parseIcmpv6(in, {}, cut);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 3 || size > 65535) return 0;
    static constexpr Dialect dialects[] = {Dialect::Automatic, Dialect::Rfc, Dialect::HmipDraft, Dialect::Fmip4068, Dialect::Custom};
    DecodeContext context;
    context.dialect = dialects[data[0] % std::size(dialects)];
    context.custom.mapOption = 200;
    const bool cut = (data[0] & 0x80) != 0;
    Bytes message{data[1], data[2], 0, 0};
    message.insert(message.end(), data + 3, data + size);

    FieldSink sink;
    const Parsed parsed = parse(message, cut, context, &sink);
    require(nodeFault(message, sink.nodes()));
    if (parsed) {
        require(nestingFault(sink.nodes()));
        require(sink.openGroups() != 0 ? "a group was left open" : "");
        checkIcmpv6(parsed->value, Ipv6Packet{}, (data[0] & 0x40) != 0, sink);
    }
    for (const Finding& finding : sink.findings())
        require(finding.offset > message.size() || finding.length > message.size() - finding.offset ? "a finding outside the message: " + finding.text : "");

    const Parsed silent = parse(message, cut, context, nullptr);
    require(silent.has_value() != parsed.has_value() ? "a sink changes the outcome" : "");
    if (!parsed) return 0;
    require(silent->value == parsed->value ? "" : "a sink changes the value");
    if (cut) return 0;
    const Parsed again = parse(emitIcmpv6(parsed->value, {}), false, context, nullptr);
    require(!again ? "emitted octets do not parse: " + again.error().text : again->value == parsed->value ? "" : "another value after emitting and parsing");
    return 0;
}
