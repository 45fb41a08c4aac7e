// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the display filter. Input: the text of a filter. Stops the process when something that must hold for any text
// does not.
#include "capture/filter/filter.hpp"

#include <cstdio>
#include <cstdlib>

using namespace roamscope;

namespace {

void require(bool holds, const char* what)
{
    if (holds) return;
    std::fprintf(stderr, "fuzz_filter: %s\n", what);
    std::abort();
}

/// A Binding Update behind a home address option, in Ethernet.
ByteView sample()
{
    static const Bytes frame = [] {
        Bytes out{0x02, 0, 0, 0, 0, 1, 0x02, 0, 0, 0, 0, 2, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 40, 60, 64};
        const auto address = [&](std::uint8_t last) {
            for (const int octet : {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}) out.push_back(static_cast<std::uint8_t>(octet));
            out.push_back(last);
        };
        address(1);
        address(2);
        for (const int octet : {135, 2, 1, 2, 0, 0, 201, 16}) out.push_back(static_cast<std::uint8_t>(octet));
        address(3);
        for (const int octet : {59, 1, 5, 0, 0, 0, 0, 7, 0xc8, 0, 0, 100, 1, 2, 0, 0}) out.push_back(static_cast<std::uint8_t>(octet));
        return out;
    }();
    return frame;
}

void ask(const filter::Filter& filter)
{
    const capture::TraceLink link{"w1", 1};
    const ByteView octets = sample();
    const auto size = static_cast<std::uint32_t>(octets.size());
    const capture::FrameView view{atNanoseconds(1'500'000'000), 0, size, octets};
    static const wire::Dissection dissection = wire::dissect(octets, 1, octets.size());
    static const analysis::Analysis analysis;
    filter::FrameFacts facts;
    facts.number = 1;
    facts.frame = view;
    facts.link = &link;
    facts.dissection = &dissection;
    facts.analysis = &analysis;
    const bool yes = filter.matches(facts);
    const wire::Skim skim = wire::skim(octets, 1, octets.size());
    const capture::FrameRow row{view.time, 0, size, size, skim.kind, skim.type, skim.marks};
    const filter::Verdict verdict = filter.byRow(1, row, {link}, 0);
    require(verdict == filter::Verdict::Unknown || (verdict == filter::Verdict::Yes) == yes, "the row decides otherwise than the frame");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto compiled = filter::Filter::compile(text);
    if (compiled) {
        ask(*compiled);
        if (const auto theirs = compiled->asWireshark()) {
            const auto again = filter::Filter::compile(*theirs);
            require(again.has_value() || theirs->size() > text.size(), "Wireshark's words are no filter");
        }
    } else {
        const filter::FilterError& e = compiled.error();
        require(!e.text.empty(), "an error without text");
        require(e.column <= size && e.length <= size - e.column, "an error outside the text");
    }
    for (const std::size_t cursor : {size, size / 2}) {
        const auto proposals = filter::complete(text, cursor, {});
        require(proposals.size() <= 100, "too many proposals");
        for (const auto& p : proposals) require(p.from <= cursor && !p.insert.empty(), "a proposal outside the text");
    }
    return 0;
}
