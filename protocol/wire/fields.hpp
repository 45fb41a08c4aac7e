// SPDX-License-Identifier: GPL-3.0-or-later
// The registry of decoded fields (fields.def) and the sink into which parsers report what they read. One parser serves two
// users: a node passes no sink and takes the value, the analyzer passes one and also gets every field with its octets.
#pragma once

#include "protocol/base/address.hpp"
#include "protocol/base/bytes.hpp"
#include "protocol/wire/decode_context.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace roamscope::wire {

enum class FieldId : std::uint16_t {
#ifndef Q_MOC_RUN  // moc of Qt 6.4, which reads this through the tests, loses its way in nested includes
#define F(id, name, label, type, display, mask, rfc, tshark, explanation) id,
#include "protocol/wire/fields.def"
#undef F
#endif
};

enum class FieldType : std::uint8_t { None, Boolean, UInt, Int, Address, Ipv4, Mac, Bytes, Text };
enum class FieldDisplay : std::uint8_t { Dec, Hex2, Hex4, Hex5, Hex8, Hex16 };

/// One row of the registry.
struct FieldInfo {
    std::string_view name;         ///< filter name, Wireshark's where it has one
    std::string_view label;
    FieldType type;
    FieldDisplay display;
    std::uint64_t mask;            ///< bits inside the field's octets; 0 = all
    std::string_view rfc;          ///< "RFC 6275 §6.1.7", or another standard; empty where none defines it
    bool tshark;                   ///< whether tshark 4.0 knows the name
    std::string_view explanation;  ///< one plain sentence
};

[[nodiscard]] const FieldInfo& info(FieldId id);
[[nodiscard]] std::size_t fieldCount();

/// std::int64_t where the field is FieldType::Int, std::uint64_t where it is Boolean or UInt.
using FieldValue = std::variant<std::monostate, std::uint64_t, std::int64_t, Ipv6Address, Ipv4Address, Mac, Bytes, std::string>;

/// One line of the tree. The tree is a flat list in reading order; `depth` 0 is a protocol layer.
struct FieldNode {
    FieldId field;
    std::uint16_t depth = 0;
    std::uint32_t offset = 0;  ///< first octet, from the start of the frame or of the buffer
    std::uint32_t length = 0;  ///< octets
    FieldValue value;
    std::string text;          ///< meaning in words: name of a status, a lifetime in seconds, a layer's headline
    std::uint8_t buffer = 0;   ///< 0: the frame; n: FieldSink::buffers()[n - 1]

    bool operator==(const FieldNode&) const = default;
};

enum class Severity : std::uint8_t { Note, Warning, Error };

/// A broken rule, with the octets that show it.
struct Finding {
    std::string_view rule;  ///< id of the numbered rules, or empty where only the RFC section names it
    Severity severity = Severity::Error;
    std::string text;
    std::string_view rfc;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint8_t buffer = 0;  ///< 0: the frame; n: FieldSink::buffers()[n - 1]
};

/// Octets that do not stand in the frame as they are: a reassembled datagram, the inside of a decrypted ESP packet.
struct DerivedOctets {
    std::string name;  ///< "Reassembled from frames 3, 4", "Decrypted ESP"
    Bytes bytes;
    bool operator==(const DerivedOctets&) const = default;
};

/// Value as text: decimal or hexadecimal by the registry, addresses by RFC 5952, octets as hex, booleans as 1/0.
[[nodiscard]] std::string valueText(const FieldNode& node);
/// Two lower-case digits an octet, nothing between them.
[[nodiscard]] std::string hexText(ByteView bytes);
/// The whole line of a tree: label, value and meaning.
[[nodiscard]] std::string lineText(const FieldNode& node);

/// Some fields of the registry.
class FieldSet {
public:
    static constexpr std::size_t most = 1024;
    void insert(FieldId id) { words_[static_cast<std::size_t>(id) / 64] |= bit(id); }
    [[nodiscard]] bool contains(FieldId id) const { return (words_[static_cast<std::size_t>(id) / 64] & bit(id)) != 0; }

private:
    static std::uint64_t bit(FieldId id) { return std::uint64_t{1} << static_cast<std::size_t>(id) % 64; }
    std::array<std::uint64_t, most / 64> words_{};
};

/// Collects fields and findings of one frame. Bounded: after `maxNodes` lines it notes the limit once and ignores the rest.
class FieldSink {
public:
    static constexpr std::size_t maxNodes = 10000;

    /// Keeps everything.
    FieldSink() = default;
    /// Keeps the nodes of these fields only, as they would be in the whole tree but for their texts (and of the few that the
    /// decoder itself looks for); no findings. What is left out costs no memory.
    explicit FieldSink(const FieldSet& wanted);
    /// Whether a node of this field is kept.
    [[nodiscard]] bool keeps(FieldId id) const { return !wanted_ || wanted_->contains(id); }
    /// Whether meanings in words are kept: for those who must make them.
    [[nodiscard]] bool texts() const { return !wanted_; }

    /// Starts a group (a layer, a header, an option) at `offset`; everything added until close() is beneath it.
    void open(FieldId id, std::size_t offset, std::string text = {});
    /// Ends the innermost group; `end` is the offset after its last octet.
    void close(std::size_t end);
    void add(FieldId id, std::size_t offset, std::size_t length, FieldValue value, std::string text = {});
    /// Sets the meaning of the line added last / of the innermost open group.
    void note(std::string text);
    void headline(std::string text);
    void finding(Finding finding)
    {
        if (wanted_) return;
        finding.buffer = buffer_;
        findings_.push_back(std::move(finding));
    }

    /// Offsets of what is added from here to endBuffer() count in `bytes`, of which the sink keeps a copy. Not nested deeper than
    /// 255 in all; false (and nothing changes) beyond that.
    bool beginBuffer(std::string name, ByteView bytes);
    void endBuffer();

    /// Ends groups until `depth` are open: what a parser that gave up leaves behind.
    void closeTo(std::size_t depth, std::size_t end)
    {
        while (open_.size() > depth) close(end);
    }

    [[nodiscard]] std::size_t openGroups() const { return open_.size(); }
    [[nodiscard]] std::vector<FieldNode>& nodes() { return nodes_; }
    [[nodiscard]] std::vector<Finding>& findings() { return findings_; }
    [[nodiscard]] std::vector<DerivedOctets>& buffers() { return buffers_; }

private:
    bool full();
    bool put(FieldId id, std::size_t offset, std::size_t length, FieldValue value, std::string text);

    std::optional<FieldSet> wanted_;
    std::vector<FieldNode> nodes_;
    std::size_t lines_ = 0;          ///< kept or not
    std::uint32_t lastOffset_ = 0;   ///< of the last line
    std::uint8_t lastBuffer_ = 0;
    std::vector<std::size_t> open_;  ///< indices of open groups; npos for one that is not kept
    std::vector<Finding> findings_;
    std::vector<DerivedOctets> buffers_;
    std::vector<std::uint8_t> outer_;  ///< buffers that go on after the present one
    std::uint8_t buffer_ = 0;
};

/// A Reader that reports each field to a sink, when there is one, and carries the settings of the decoding to every parser.
class FieldReader : public Reader {
public:
    /// `context` must outlive the reader. Without one the published RFCs hold, which is what nodes speak.
    FieldReader(ByteView bytes, std::size_t base, FieldSink* sink, const DecodeContext& context = publishedRfcs())
        : Reader(bytes, base), sink_(sink), context_(&context)
    {
    }
    /// A reader over `bytes`, which start at offset `base`, with the same sink and settings.
    [[nodiscard]] FieldReader within(ByteView bytes, std::size_t base) const { return FieldReader(bytes, base, sink_, *context_); }

    [[nodiscard]] const DecodeContext& context() const { return *context_; }

    std::uint8_t u8(FieldId id) { return static_cast<std::uint8_t>(number<1>(id)); }
    std::uint16_t u16(FieldId id) { return static_cast<std::uint16_t>(number<2>(id)); }
    std::uint32_t u32(FieldId id) { return static_cast<std::uint32_t>(number<4>(id)); }
    std::uint64_t u64(FieldId id) { return number<8>(id); }
    Ipv6Address address(FieldId id);
    Ipv4Address ipv4(FieldId id);
    Mac mac(FieldId id);
    std::int32_t i24(FieldId id);  ///< two's complement in three octets
    Bytes bytes(FieldId id, std::size_t n);
    /// Reserved octets: reported when there is a sink, otherwise skipped.
    void reserved(FieldId id, std::size_t n);
    /// Reports single bits or bit fields of the `width` octets read last, whose value was `word` (masks are in the registry).
    void bits(std::size_t width, std::uint64_t word, std::initializer_list<FieldId> ids);

    void open(FieldId id, std::string text = {})
    {
        if (sink_) sink_->open(id, offset(), std::move(text));
    }
    void close()
    {
        if (sink_) sink_->close(offset());
    }
    void note(std::string_view text)
    {
        if (texts() && !failed()) sink_->note(std::string(text));
    }
    void headline(std::string_view text)
    {
        if (texts()) sink_->headline(std::string(text));
    }
    [[nodiscard]] FieldSink* sink() const { return sink_; }
    /// Whether note() and headline() have an effect.
    [[nodiscard]] bool texts() const { return sink_ && sink_->texts(); }

private:
    template <std::size_t width>
    std::uint64_t number(FieldId id)
    {
        const std::size_t start = offset();
        std::uint64_t value = 0;
        for (const std::uint8_t octet : take(width)) value = value << 8 | octet;
        if (sink_) report(id, start, width, value);
        return value;
    }
    void report(FieldId id, std::size_t start, std::size_t width, std::uint64_t value);

    FieldSink* sink_;
    const DecodeContext* context_;
};

}  // namespace roamscope::wire
