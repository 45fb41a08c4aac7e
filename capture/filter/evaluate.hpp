// SPDX-License-Identifier: GPL-3.0-or-later
// Asks a resolved filter about one frame. What is known of the frame comes from a Subject: all of it (FrameSubject) or only
// the row of the index (RowSubject), for which the answer may be Unknown. One thread; a Subject lives for one frame.
#pragma once

#include "capture/filter/expression.hpp"

#include <array>
#include <deque>

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
    ByteView keep(Bytes octets) { return octets_.emplace_back(std::move(octets)); }
    std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }

private:
    std::deque<Bytes> octets_;
    std::deque<std::string> texts_;
};

/// Everything about a frame.
class FrameSubject final : public Subject {
public:
    explicit FrameSubject(const FrameFacts& facts);
    ~FrameSubject() override;
    Verdict present(const Symbol& symbol) override;
    bool values(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out) override;

private:
    class Occurrences;
    void fields(const Symbol& symbol, const std::vector<Stretch>& layers, Values& out);
    void nodeNames(Values& out);
    const Occurrences& occurrences();
    std::vector<Ipv6Address> addresses();

    const FrameFacts& facts_;
    std::unique_ptr<Occurrences> occurrences_;
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

[[nodiscard]] Verdict evaluate(const Expression& expression, Subject& subject);

}  // namespace roamscope::filter
