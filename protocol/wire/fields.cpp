// SPDX-License-Identifier: GPL-3.0-or-later
#include "protocol/wire/fields.hpp"

#include <array>
#include <bit>
#include <fmt/format.h>

namespace roamscope::wire {

namespace {

constexpr FieldInfo registry[] = {
#define F(id, name, label, type, display, mask, rfc, tshark, explanation) \
    {name, label, FieldType::type, FieldDisplay::display, mask, rfc, tshark, explanation},
#include "protocol/wire/fields.def"
#undef F
};

static_assert(std::size(registry) <= FieldSet::most);

constexpr std::size_t dropped = static_cast<std::size_t>(-1);

std::string numberText(std::uint64_t v, FieldDisplay display)
{
    switch (display) {
    case FieldDisplay::Hex2: return fmt::format("0x{:02x}", v);
    case FieldDisplay::Hex4: return fmt::format("0x{:04x}", v);
    case FieldDisplay::Hex5: return fmt::format("0x{:05x}", v);
    case FieldDisplay::Hex8: return fmt::format("0x{:08x}", v);
    case FieldDisplay::Hex16: return fmt::format("0x{:016x}", v);
    case FieldDisplay::Dec: break;
    }
    return fmt::format("{}", v);
}

}  // namespace

const FieldInfo& info(FieldId id) { return registry[static_cast<std::size_t>(id)]; }
std::size_t fieldCount() { return std::size(registry); }

std::string hexText(ByteView bytes)
{
    std::string out;
    out.reserve(2 * bytes.size());
    for (const std::uint8_t octet : bytes) out += fmt::format("{:02x}", octet);
    return out;
}

std::string valueText(const FieldNode& node)
{
    struct Visitor {
        const FieldNode& node;
        std::string operator()(std::monostate) const { return {}; }
        std::string operator()(std::uint64_t v) const { return numberText(v, info(node.field).display); }
        std::string operator()(std::int64_t v) const { return fmt::format("{}", v); }
        std::string operator()(const Ipv6Address& v) const { return v.text(); }
        std::string operator()(const Ipv4Address& v) const { return v.text(); }
        std::string operator()(const Mac& v) const { return v.text(); }
        std::string operator()(const Bytes& v) const { return hexText(v); }
        std::string operator()(const std::string& v) const { return v; }
    };
    return std::visit(Visitor{node}, node.value);
}

std::string lineText(const FieldNode& node)
{
    const FieldInfo& field = info(node.field);
    std::string value = valueText(node);
    // Long octet strings are shown whole in the bytes view; the tree keeps a line short.
    constexpr std::size_t longest = 64;
    if (value.size() > longest && std::holds_alternative<Bytes>(node.value)) value = value.substr(0, longest) + "…";
    if (value.empty()) return node.text.empty() ? std::string(field.label) : fmt::format("{}: {}", field.label, node.text);
    if (node.text.empty()) return fmt::format("{}: {}", field.label, value);
    return fmt::format("{}: {} ({})", field.label, value, node.text);
}

FieldSink::FieldSink(const FieldSet& wanted) : wanted_(wanted)
{
    // By these the decoder finds a packet that a message quotes.
    wanted_->insert(FieldId::Icmpv6);
    wanted_->insert(FieldId::RedirectedPacket);
}

bool FieldSink::full()
{
    if (lines_ < maxNodes) return false;
    if (lines_ == maxNodes && keeps(FieldId::Limit))
        nodes_.push_back({FieldId::Limit, 0, lastOffset_, 0, fmt::format("more than {} fields in one frame", maxNodes), {}, lastBuffer_});
    if (lines_ == maxNodes) ++lines_;
    return true;
}

bool FieldSink::put(FieldId id, std::size_t offset, std::size_t length, FieldValue value, std::string text)
{
    ++lines_;
    lastOffset_ = static_cast<std::uint32_t>(offset);
    lastBuffer_ = buffer_;
    if (!keeps(id)) return false;
    nodes_.push_back({id, static_cast<std::uint16_t>(open_.size()), lastOffset_, static_cast<std::uint32_t>(length), std::move(value), std::move(text), buffer_});
    return true;
}

void FieldSink::open(FieldId id, std::size_t offset, std::string text)
{
    if (full()) {
        open_.push_back(dropped);
        return;
    }
    const bool kept = put(id, offset, 0, {}, std::move(text));
    open_.push_back(kept ? nodes_.size() - 1 : dropped);
}

void FieldSink::close(std::size_t end)
{
    if (open_.empty()) return;
    if (open_.back() != dropped) {
        FieldNode& node = nodes_[open_.back()];
        node.length = end > node.offset ? static_cast<std::uint32_t>(end - node.offset) : 0;
    }
    open_.pop_back();
}

void FieldSink::add(FieldId id, std::size_t offset, std::size_t length, FieldValue value, std::string text)
{
    if (full()) return;
    put(id, offset, length, std::move(value), std::move(text));
}

bool FieldSink::beginBuffer(std::string name, ByteView bytes)
{
    if (buffers_.size() == 255) return false;
    buffers_.push_back({std::move(name), Bytes(bytes.begin(), bytes.end())});
    outer_.push_back(buffer_);
    buffer_ = static_cast<std::uint8_t>(buffers_.size());
    return true;
}

void FieldSink::endBuffer()
{
    if (outer_.empty()) return;
    buffer_ = outer_.back();
    outer_.pop_back();
}

void FieldSink::note(std::string text)
{
    if (texts() && !nodes_.empty() && nodes_.size() <= maxNodes) nodes_.back().text = std::move(text);
}

void FieldSink::headline(std::string text)
{
    if (texts() && !open_.empty() && open_.back() != dropped) nodes_[open_.back()].text = std::move(text);
}

void FieldReader::report(FieldId id, std::size_t start, std::size_t width, std::uint64_t value)
{
    if (!failed()) sink_->add(id, start, width, value);
}

Ipv6Address FieldReader::address(FieldId id)
{
    const std::size_t start = offset();
    const Ipv6Address value{array<16>()};
    if (sink_ && !failed()) sink_->add(id, start, 16, value);
    return value;
}

Ipv4Address FieldReader::ipv4(FieldId id)
{
    const std::size_t start = offset();
    const Ipv4Address value{array<4>()};
    if (sink_ && !failed()) sink_->add(id, start, 4, value);
    return value;
}

Mac FieldReader::mac(FieldId id)
{
    const std::size_t start = offset();
    const Mac value{array<6>()};
    if (sink_ && !failed()) sink_->add(id, start, 6, value);
    return value;
}

std::int32_t FieldReader::i24(FieldId id)
{
    const std::size_t start = offset();
    const auto octets = array<3>();
    const std::int32_t value = (static_cast<std::int32_t>(static_cast<std::uint32_t>(octets[0]) << 24) >> 8) | octets[1] << 8 | octets[2];
    if (sink_ && !failed()) sink_->add(id, start, 3, std::int64_t{value});
    return value;
}

Bytes FieldReader::bytes(FieldId id, std::size_t n)
{
    const std::size_t start = offset();
    const ByteView view = take(n);
    if (sink_ && !failed()) sink_->add(id, start, n, sink_->keeps(id) ? Bytes(view.begin(), view.end()) : Bytes());
    return Bytes(view.begin(), view.end());
}

void FieldReader::reserved(FieldId id, std::size_t n)
{
    const std::size_t start = offset();
    const ByteView view = take(n);
    if (sink_ && !failed() && n > 0) sink_->add(id, start, n, sink_->keeps(id) ? Bytes(view.begin(), view.end()) : Bytes());
}

void FieldReader::bits(std::size_t width, std::uint64_t word, std::initializer_list<FieldId> ids)
{
    if (!sink_ || failed()) return;
    for (const FieldId id : ids) {
        const std::uint64_t mask = info(id).mask;
        sink_->add(id, offset() - width, width, (word & mask) >> std::countr_zero(mask));
    }
}

}  // namespace roamscope::wire
