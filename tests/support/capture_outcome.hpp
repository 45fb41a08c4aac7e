// SPDX-License-Identifier: GPL-3.0-or-later
// What a capture file gave: its frames up to the end or the first error.
#pragma once

#include "capture/io/capture_reader.hpp"

#include <QString>

#include <optional>
#include <vector>

namespace roamscope::test {

/// The n-th frame of made-up captures: each has another length and other octets.
inline Bytes frameOf(std::uint8_t n) { return Bytes(20u + n, n); }

struct Frame {
    std::int64_t utc;
    std::uint32_t link;
    std::uint32_t original;
    Bytes bytes;
    bool operator==(const Frame&) const = default;
};

struct Outcome {
    std::vector<Frame> frames;
    std::vector<capture::TraceLink> links;
    std::vector<std::uint64_t> dropped;
    std::optional<Error> error;
    [[nodiscard]] QString text() const { return error ? QString::fromStdString(error->text) : QString(); }
};

inline Outcome readAll(Result<capture::CaptureReader> reader)
{
    Outcome out;
    if (!reader) {
        out.error = reader.error();
        return out;
    }
    capture::CaptureRecord record;
    for (;;) {
        const auto read = reader->next(record);
        if (!read) out.error = read.error();
        if (!read || *read == capture::Read::End) break;
        if (*read == capture::Read::Frame) out.frames.push_back({record.utc, record.link, record.originalLength, Bytes(record.bytes.begin(), record.bytes.end())});
    }
    out.links = reader->links();
    out.dropped = reader->dropped();
    return out;
}

}  // namespace roamscope::test
