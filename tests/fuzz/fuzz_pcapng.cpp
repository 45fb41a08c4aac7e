// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the pcapng reader and writer. Input: the octets of a file. Stops the process when something that must hold for
// any octets does not: above all, what was read, written and read again says the same.
#include "capture/io/pcapng_file.hpp"
#include "tests/support/capture_checks.hpp"

#include <cstdio>
#include <cstdlib>

using namespace roamscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 4 || !capture::isPcapng(ByteView(data, size))) return -1;
    const test::ReadCapture read = test::readCapture(Bytes(data, data + size));
    const std::string fault = read.fault.empty() ? test::rewriteFault(read) : read.fault;
    if (fault.empty()) return 0;
    std::fprintf(stderr, "fuzz_pcapng: %s\n", fault.c_str());
    std::abort();
}
