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
    /// Its higher half first, whatever the order.
    void time(std::uint64_t t)
    {
        u32(static_cast<std::uint32_t>(t >> 32));
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
    /// All of them and the end; nothing when there are none.
    void optionList(const CaptureOptions& options)
    {
        for (const CaptureOption& o : options) option(o.code, o.value);
        if (!options.empty()) u32(roamscope::capture::option::end);
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

constexpr std::uint8_t nanosecondResolution = 9;

}  // namespace

void addText(CaptureOptions& options, std::uint16_t code, std::string_view text)
{
    if (!text.empty()) options.push_back({code, Bytes(text.begin(), text.end())});
}

void addNumber(CaptureOptions& options, std::uint16_t code, std::uint64_t value, std::size_t width)
{
    CaptureOption out{code, {}};
    for (std::size_t i = 0; i < width; ++i) out.value.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    options.push_back(std::move(out));
}

Bytes pcapngSection(std::string_view application)
{
    CaptureOptions options;
    addText(options, option::application, application);
    return pcapngSection(options);
}

Bytes pcapngSection(const CaptureOptions& options)
{
    Block block(blockType::section);
    block.u32(0x1a2b3c4d);
    block.u16(1);
    block.u16(0);
    block.u64(0xffffffffffffffffu);  // section length unknown
    block.optionList(options);
    return block.finish();
}

Bytes pcapngInterface(std::uint16_t linkType, std::uint32_t snapLength, std::string_view name, std::string_view description)
{
    CaptureOptions options;
    addText(options, option::name, name);
    addText(options, option::description, description);
    return pcapngInterface(linkType, snapLength, options);
}

Bytes pcapngInterface(std::uint16_t linkType, std::uint32_t snapLength, const CaptureOptions& options)
{
    Block block(blockType::interface);
    block.u16(linkType);
    block.u16(0);
    block.u32(snapLength);
    CaptureOptions all = options;
    addNumber(all, option::resolution, nanosecondResolution, 1);
    block.optionList(all);
    return block.finish();
}

Bytes pcapngPacket(std::uint32_t interface, std::int64_t time, ByteView frame, std::uint32_t originalLength,
                   std::string_view comment)
{
    CaptureOptions options;
    addText(options, option::comment, comment);
    return pcapngPacket(interface, static_cast<std::uint64_t>(time), frame, originalLength, options);
}

Bytes pcapngPacket(std::uint32_t interface, std::uint64_t ticks, ByteView frame, std::uint32_t originalLength, const CaptureOptions& options)
{
    Block block(blockType::packet);
    block.u32(interface);
    block.time(ticks);
    block.u32(static_cast<std::uint32_t>(frame.size()));
    block.u32(originalLength);
    block.padded(frame);
    block.optionList(options);
    return block.finish();
}

Bytes pcapngStatistics(std::uint32_t interface, std::int64_t time, std::uint64_t received, std::uint64_t dropped)
{
    CaptureOptions options;
    addNumber(options, option::received, received);
    addNumber(options, option::dropped, dropped);
    return pcapngStatistics(interface, static_cast<std::uint64_t>(time), options);
}

Bytes pcapngStatistics(std::uint32_t interface, std::uint64_t ticks, const CaptureOptions& options)
{
    Block block(blockType::statistics);
    block.u32(interface);
    block.time(ticks);
    block.optionList(options);
    return block.finish();
}

Bytes pcapngNames(const std::vector<CaptureName>& names, const CaptureOptions& options)
{
    Block block(blockType::names);
    for (const CaptureName& name : names) {
        Bytes record = name.address;
        for (const std::string& text : name.names) {
            if (record.size() + text.size() + 1 > 0xffff) break;
            record.insert(record.end(), text.begin(), text.end());
            record.push_back(0);
        }
        block.option(name.kind, record);  // a record has the same shape
    }
    block.u32(0);
    block.optionList(options);
    return block.finish();
}

Bytes pcapngBlock(std::uint32_t type, ByteView body)
{
    Block block(type);
    block.padded(body);
    return block.finish();
}

}  // namespace roamscope::capture
