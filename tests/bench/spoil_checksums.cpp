// SPDX-License-Identifier: GPL-3.0-or-later
// Makes a capture whose faults are known: copies a classic pcap file of Ethernet frames (gen's) and spoils the checksum of every
// N-th Mobility Header. Finds these headers by a walk of its own, so that its counts are a truth that nothing of the program
// took part in.
//   spoil_checksums IN OUT [--every N] [--wrap N]     --wrap: N more IPv6 headers around each frame with a Mobility Header
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using Frame = std::vector<std::uint8_t>;

std::uint32_t number(const std::uint8_t* at)
{
    std::uint32_t v = 0;
    std::memcpy(&v, at, sizeof v);
    return v;
}

/// Where the Mobility Header of a frame begins, behind any number of IPv6 headers, options and routing headers; 0 for none.
std::size_t mobilityAt(const Frame& frame)
{
    if (frame.size() < 54 || frame[12] != 0x86 || frame[13] != 0xdd) return 0;
    std::size_t at = 14;
    for (std::uint8_t next = 41;;) {
        const std::size_t left = frame.size() - at;
        if (next == 135) return left >= 6 ? at : 0;
        if (next == 41) {
            if (left < 40) return 0;
            next = frame[at + 6];
            at += 40;
        } else if (next == 0 || next == 43 || next == 60) {
            if (left < 8 || left < 8u * (frame[at + 1] + 1u)) return 0;
            next = frame[at];
            at += 8u * (frame[at + 1] + 1u);
        } else {
            return 0;
        }
    }
}

/// Another IPv6 header around the whole packet.
void wrap(Frame& frame, std::uint8_t number)
{
    const std::size_t length = frame.size() - 14;
    Frame header(40);
    header[0] = 0x60;
    header[4] = static_cast<std::uint8_t>(length >> 8);
    header[5] = static_cast<std::uint8_t>(length);
    header[6] = 41;
    header[7] = 64;
    header[8] = header[24] = 0x20;
    header[9] = header[25] = 0x01;
    header[23] = number;
    header[39] = static_cast<std::uint8_t>(number + 1);
    frame.insert(frame.begin() + 14, header.begin(), header.end());
}

}  // namespace

int main(int argc, char** argv)
{
    std::vector<std::string> files;
    std::uint64_t every = 10;
    int layers = 0;
    for (int i = 1; i < argc; ++i) {
        const std::string word = argv[i];
        if (word == "--every" && i + 1 < argc) every = std::strtoull(argv[++i], nullptr, 10);
        else if (word == "--wrap" && i + 1 < argc) layers = std::atoi(argv[++i]);
        else files.push_back(word);
    }
    std::FILE* in = files.size() == 2 && every > 0 ? std::fopen(files[0].c_str(), "rb") : nullptr;
    std::FILE* out = in ? std::fopen(files[1].c_str(), "wb") : nullptr;
    std::uint8_t head[24];
    if (!in || !out || std::fread(head, 1, sizeof head, in) != sizeof head) return std::fprintf(stderr, "usage: spoil_checksums IN OUT [--every N] [--wrap N]\n"), 2;
    std::fwrite(head, 1, sizeof head, out);
    std::uint64_t frames = 0;
    std::uint64_t mobility = 0;
    std::uint64_t spoiled = 0;
    std::uint8_t record[16];
    Frame frame;
    while (std::fread(record, 1, sizeof record, in) == sizeof record) {
        frame.resize(number(record + 8));
        if (std::fread(frame.data(), 1, frame.size(), in) != frame.size()) break;
        ++frames;
        if (const std::size_t at = mobilityAt(frame); at != 0) {
            if (++mobility % every == 0) {
                frame[at + 4] ^= 0x5a;
                ++spoiled;
            }
            for (int i = 0; i < layers; ++i) wrap(frame, static_cast<std::uint8_t>(2 * i + 1));
            const auto size = static_cast<std::uint32_t>(frame.size());
            std::memcpy(record + 8, &size, sizeof size);
            std::memcpy(record + 12, &size, sizeof size);
        }
        std::fwrite(record, 1, sizeof record, out);
        std::fwrite(frame.data(), 1, frame.size(), out);
    }
    std::fclose(in);
    if (std::fclose(out) != 0) return std::perror(files[1].c_str()), 1;
    std::printf("frames=%llu mh=%llu spoiled=%llu\n", static_cast<unsigned long long>(frames), static_cast<unsigned long long>(mobility), static_cast<unsigned long long>(spoiled));
    return 0;
}
