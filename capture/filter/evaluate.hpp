// SPDX-License-Identifier: GPL-3.0-or-later
// Asks a resolved filter about one frame. What is known of the frame comes from a Subject: all of it (FrameSubject), its headers
// (HeaderSubject) or only the row of the index (RowSubject); for the last two the answer may be Unknown. One thread; a Subject
// lives for one frame.
#pragma once

#include "capture/filter/expression.hpp"
#include "protocol/wire/skim.hpp"

#include <array>
#include <deque>
#include <memory>

namespace roamscope::filter {

/// The values of a word in one frame; the first few take no memory of their own.
class Values {
public:
    void add(Value v)
    {
        if (size_ < few_.size()) few_[size_] = v;
        else more_.push_back(v);
        ++size_;
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] const Value& operator[](std::size_t i) const { return i < few_.size() ? few_[i] : more_[i - few_.size()]; }

private:
    std::size_t size_ = 0;
    std::array<Value, 4> few_;
    std::vector<Value> more_;
};

class Subject {
public:
    Subject() = default;
    Subject(const Subject&) = delete;
    Subject& operator=(const Subject&) = delete;
    virtual ~Subject() = default;
    [[nodiscard]] virtual Verdict present(const Symbol& symbol) = 0;
    /// Adds the values of `symbol`, in the wanted layers (empty: all). False when they are not known.
    [[nodiscard]] virtual bool values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out) = 0;

    /// Keep what values were computed from for as long as the subject lives.
    ByteView keep(Bytes octets) { return kept().octets.emplace_back(std::move(octets)); }
    std::string_view keep(std::string text) { return kept().texts.emplace_back(std::move(text)); }

private:
    struct Kept {
        std::deque<Bytes> octets;
        std::deque<std::string> texts;
    };
    /// Made when it is needed: an empty deque already takes memory.
    Kept& kept()
    {
        if (!kept_) kept_ = std::make_unique<Kept>();
        return *kept_;
    }
    std::unique_ptr<Kept> kept_;
};

/// Everything about a frame.
class FrameSubject final : public Subject {
public:
    /// `dissection`: of at least the fields that are asked for (fieldsOf()); both must outlive the subject.
    FrameSubject(const FrameFacts& facts, const wire::Dissection& dissection) : facts_(facts), dissection_(dissection) {}
    Verdict present(const Symbol& symbol) override;
    bool values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out) override;

private:
    /// A node that counts as a field, and where it stands.
    struct Occurrence {
        const wire::FieldNode* node;
        std::uint16_t layer;  ///< the how-many-th of its protocol, from 1
        bool quoted;          ///< stands in a packet that an ICMPv6 message quotes
    };
    void fields(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out);
    [[nodiscard]] const std::vector<Occurrence>& occurrences();
    [[nodiscard]] ByteView octets(const wire::FieldNode& node) const;
    std::vector<Ipv6Address> addresses();

    const FrameFacts& facts_;
    const wire::Dissection& dissection_;
    std::vector<Occurrence> occurrences_;
    bool counted_ = false;
};

/// What is known of a field without decoding.
enum class Knowledge : std::uint8_t { Nothing, Absent, Present };

/// What the headers say. `frame` is asked for what does not stand in the octets; it needs no dissection.
class HeaderSubject final : public Subject {
public:
    HeaderSubject(FrameSubject& frame, ByteView bytes, const wire::PlainHeaders& headers) : frame_(frame), bytes_(bytes), headers_(headers) {}
    Verdict present(const Symbol& symbol) override;
    bool values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out) override;

private:
    [[nodiscard]] Knowledge knownOf(wire::FieldId id) const;
    bool add(wire::FieldId id, Values& out) const;

    FrameSubject& frame_;
    ByteView bytes_;
    const wire::PlainHeaders& headers_;
};

/// What the index knows.
class RowSubject final : public Subject {
public:
    RowSubject(std::size_t number, const capture::FrameRow& row, const std::vector<capture::TraceLink>& links, std::int64_t startUtc)
        : number_(number), row_(row), links_(links), startUtc_(startUtc)
    {
    }
    Verdict present(const Symbol& symbol) override;
    bool values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out) override;

private:
    std::size_t number_;
    const capture::FrameRow& row_;
    const std::vector<capture::TraceLink>& links_;
    std::int64_t startUtc_;
};

/// Values of words about the analysis, for the frame and the addresses in it.
void analysisValues(const Symbol& symbol, const FrameFacts& facts, const std::vector<Ipv6Address>& addresses, Subject& subject, Values& out);

/// The fields that a FrameSubject looks at to answer `expression`.
[[nodiscard]] wire::FieldSet fieldsOf(const Expression& expression);

[[nodiscard]] Verdict evaluate(const Expression& expression, Subject& subject);

}  // namespace roamscope::filter
