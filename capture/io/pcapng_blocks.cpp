// SPDX-License-Identifier: GPL-3.0-or-later
#include "capture/io/pcapng_blocks.hpp"

namespace roamscope::capture {

namespace {

/// Builds one block: type, total length, body, total length again. Little-endian, every part padded to 4 octets.
class Block {
public:
    explicit Block(std::uint32_t type)
    {
        u32(type);
        u32(0);  // total length, set by finish()
    }
    void u16(std::uint16_t v) { number(v, 2); }
    void u32(std::uint32_t v) { number(v, 4); }
    void u64(std::uint64_t v) { number(v, 8); }
    void time(std::int64_t t)
    {
        u32(static_cast<std::uint32_t>(static_cast<std::uint64_t>(t) >> 32));
        u32(static_cast<std::uint32_t>(t));
    }
    void padded(ByteView v)
    {
        bytes_.insert(bytes_.end(), v.begin(), v.end());
        while (bytes_.size() % 4 != 0) bytes_.push_back(0);
    }
    void option(std::uint16_t code, ByteView value)
    {
        // An option's length is 16 bits; longer text is cut rather than making an unreadable block.
        const ByteView fitting = value.first(value.size() > 0xffff ? 0xffff : value.size());
        u16(code);
        u16(static_cast<std::uint16_t>(fitting.size()));
        padded(fitting);
    }
    void option(std::uint16_t code, std::string_view text)
    {
        if (!text.empty()) option(code, ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    }
    Bytes finish()
    {
        const auto total = static_cast<std::uint32_t>(bytes_.size() + 4);
        u32(total);
        for (std::size_t i = 0; i < 4; ++i) bytes_[4 + i] = static_cast<std::uint8_t>(total >> (8 * i));
        return std::move(bytes_);
    }

private:
    void number(std::uint64_t v, std::size_t n)
    {
        for (std::size_t i = 0; i < n; ++i) bytes_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
    }
    Bytes bytes_;
};

constexpr std::uint16_t endOfOptions = 0;
constexpr std::uint16_t commentOption = 1;

}  // namespace

Bytes pcapngSection(std::string_view application)
{
    Block block(0x0a0d0d0a);
    block.u32(0x1a2b3c4d);
    block.u16(1);
    block.u16(0);
    block.u64(0xffffffffffffffffu);  // section length unknown
    block.option(4, application);
    block.u32(endOfOptions);
    return block.finish();
}

Bytes pcapngInterface(std::uint16_t linkType, std::uint32_t snapLength, std::string_view name, std::string_view description)
{
    Block block(1);
    block.u16(linkType);
    block.u16(0);
    block.u32(snapLength);
    block.option(2, name);
    block.option(3, description);
    const std::uint8_t nanoseconds = 9;
    block.option(9, ByteView(&nanoseconds, 1));
    block.u32(endOfOptions);
    return block.finish();
}

Bytes pcapngPacket(std::uint32_t interface, std::int64_t time, ByteView frame, std::uint32_t originalLength,
                   std::string_view comment)
{
    Block block(6);
    block.u32(interface);
    block.time(time);
    block.u32(static_cast<std::uint32_t>(frame.size()));
    block.u32(originalLength);
    block.padded(frame);
    if (!comment.empty()) {
        block.option(commentOption, comment);
        block.u32(endOfOptions);
    }
    return block.finish();
}

Bytes pcapngStatistics(std::uint32_t interface, std::int64_t time, std::uint64_t received, std::uint64_t dropped)
{
    const auto counter = [](std::uint64_t v) {
        std::array<std::uint8_t, 8> out{};
        for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::uint8_t>(v >> (8 * i));
        return out;
    };
    Block block(5);
    block.u32(interface);
    block.time(time);
    block.option(4, counter(received));
    block.option(5, counter(dropped));
    block.u32(endOfOptions);
    return block.finish();
}

}  // namespace roamscope::capture
