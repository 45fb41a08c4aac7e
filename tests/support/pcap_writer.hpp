// SPDX-License-Identifier: GPL-3.0-or-later
// Classic little-endian pcap files for programs that tests ask for a second opinion.
#pragma once

#include "tests/support/test_inputs.hpp"

namespace roamscope::test {

/// Writes `frames`, which all have `linkType`, one second apart; false when the file cannot be written.
inline bool writePcap(const QString& path, const std::vector<InputFrame>& frames, std::uint16_t linkType = wire::linkEthernet)
{
    QByteArray out;
    const auto number = [&out](std::uint32_t value, int octets) {
        for (int i = 0; i < octets; ++i) out.append(static_cast<char>(value >> 8 * i));
    };
    number(0xa1b2c3d4, 4);
    number(2, 2);
    number(4, 2);
    number(0, 4);
    number(0, 4);
    number(262144, 4);
    number(linkType, 4);
    std::uint32_t time = 0;
    for (const InputFrame& frame : frames) {
        const auto size = static_cast<std::uint32_t>(frame.bytes.size());
        for (const std::uint32_t value : {++time, 0u, size, static_cast<std::uint32_t>(frame.originalLength)}) number(value, 4);
        out.append(reinterpret_cast<const char*>(frame.bytes.data()), qsizetype(size));
    }
    QFile file(path);
    return file.open(QIODevice::WriteOnly) && file.write(out) == out.size();
}

}  // namespace roamscope::test
