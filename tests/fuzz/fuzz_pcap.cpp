// SPDX-License-Identifier: GPL-3.0-or-later
// Fuzz target of the pcap reader, and of the pcapng writer on what it reads. Input: the octets of a file. Stops the process when
// something that must hold for any octets does not.
#include "capture/io/pcap_file.hpp"
#include "tests/support/capture_checks.hpp"

#include <cstdio>
#include <cstdlib>

using namespace roamscope;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    if (size < 4 || !capture::isPcap(ByteView(data, size))) return -1;
    const test::ReadCapture read = test::readCapture(Bytes(data, data + size));
    const std::string fault = read.fault.empty() ? test::rewriteFault(read) : read.fault;
    if (fault.empty()) return 0;
    std::fprintf(stderr, "fuzz_pcap: %s\n", fault.c_str());
    std::abort();
}
