// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the mobility options. Input: octet 0 is the message type, octet 1 where the options start (modulo 8), the rest
// the options.
#include "protocol/wire/mobility_options.hpp"
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
    std::fprintf(stderr, "fuzz_mobility_options: %s\n", fault.c_str());
    std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 2 || size > 1024) return 0;
    OptionScope scope;
    scope.messageType = data[0] % 24;
    const ByteView octets(data + 2, size - 2);

    FieldSink sink;
    FieldReader in(octets, data[1] % 8, &sink);
    const auto parsed = parseMobilityOptions(in, scope);
    // The lines count from the start of the message, of which the octets here are a part.
    Bytes message(data[1] % 8, 0);
    message.insert(message.end(), octets.begin(), octets.end());
    require(nodeFault(message, sink.nodes()));
    if (!parsed) return 0;
    require(nestingFault(sink.nodes()));
    require(in.remaining() != 0 ? "octets are left" : "");

    Writer out;
    emitMobilityOptions(out, parsed->values);
    require(out.size() % 8 != 0 ? "not a multiple of 8 octets" : "");
    const Bytes emitted = out.take();
    FieldReader once(emitted, 0, nullptr);
    const auto again = parseMobilityOptions(once, scope);
    require(!again ? "emitted options do not parse" : "");
    require(again->values == parsed->values ? "" : "another value after emitting and parsing");
    Writer twice;
    emitMobilityOptions(twice, again->values);
    require(Bytes(twice.view().begin(), twice.view().end()) == emitted ? "" : "other octets after emitting and parsing");
    return 0;
}
