// SPDX-License-Identifier: GPL-3.0-or-later
// `decode`: reads a capture frame by frame and prints what stands in it.
#include "app/cli/commands.hpp"
#include "app/cli/decode_formats.hpp"
#include "app/cli/output.hpp"
#include "capture/io/capture_reader.hpp"
#include "capture/io/key_file.hpp"
#include "protocol/wire/reassembly.hpp"

#include <fmt/format.h>
#include <limits>

namespace roamscope::cli {

namespace {

struct DecodeOptions {
    std::string file;
    std::string filter;
    std::string format = "summary";
    std::string keyFile;
    std::vector<std::string> fields;
    std::vector<std::string> fieldOptions;
    std::size_t count = std::numeric_limits<std::size_t>::max();
};

Result<std::unique_ptr<FrameFormat>> formatOf(const DecodeOptions& options)
{
    if (options.format == "fields") {
        if (options.fields.empty()) return fail(ErrorCode::Invalid, 0, "-T fields needs at least one -e FIELD");
        return makeFieldsFormat(options.fields, options.fieldOptions);
    }
    if (!options.fields.empty()) return fail(ErrorCode::Invalid, 0, "-e FIELD goes with -T fields");
    if (!options.fieldOptions.empty()) return fail(ErrorCode::Invalid, 0, "-E OPTION goes with -T fields");
    if (options.format == "tree") return makeTreeFormat();
    if (options.format == "json") return makeJsonFormat();
    return makeSummaryFormat();
}

/// Differences between hostile stamps stay inside 64 bits.
TimePoint since(std::int64_t start, std::int64_t utc)
{
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(utc, start, &difference)) difference = utc < start ? std::numeric_limits<std::int64_t>::min() : std::numeric_limits<std::int64_t>::max();
    return atNanoseconds(difference);
}

int decodeCommand(const DecodeOptions& options)
{
    if (!options.filter.empty()) return complain(Usage, "-Y: display filters are not available yet; leave it out and select lines, for example with grep");
    auto format = formatOf(options);
    if (!format) return complain(format.error());
    std::optional<wire::EspKeys> keys;
    if (!options.keyFile.empty()) {
        auto read = capture::loadKeys(options.keyFile);
        if (!read) return complain(read.error());
        keys = std::move(*read);
    }
    auto reader = capture::CaptureReader::open(options.file);
    if (!reader) return complain(reader.error());

    Output out;
    out.write((*format)->head());
    std::optional<Error> broken;
    std::int64_t start = 0;
    capture::CaptureRecord record;
    wire::Reassembler reassembler;
    for (std::size_t number = 1; number <= options.count && !out.gone() && !interrupted();) {
        const auto read = reader->next(record, 200ms);
        if (!read) broken = read.error();
        if (!read || *read == capture::Read::End) break;
        if (*read == capture::Read::Pending) {
            out.write((*format)->flush());
            out.flush();
            continue;
        }
        if (number == 1) start = record.utc;
        const capture::TraceLink& link = reader->links()[record.link];
        const capture::FrameView view{since(start, record.utc), record.link, record.originalLength, record.bytes};
        const auto pieces = reassembler.add({static_cast<std::uint32_t>(number), view.time, view.link}, view.bytes, link.linkType, view.originalLength);
        wire::DecodeContext context;
        context.keys = keys ? &*keys : nullptr;
        context.whole = pieces.datagram ? &*pieces.datagram : nullptr;
        out.write((*format)->frame({number, record.utc, view, &link, context}));
        ++number;
    }
    out.write((*format)->flush());
    const int status = out.finish(Fine);
    return broken && !out.gone() ? complain(*broken) : status;
}

}  // namespace

void addDecodeCommand(CLI::App& app, int& status)
{
    auto options = std::make_shared<DecodeOptions>();
    CLI::App* command = app.add_subcommand("decode", "Print the frames of a capture (pcap, pcapng, also .gz and .zst; - is standard input)");
    command->add_option("FILE", options->file, "The capture")->required();
    command->add_option("-Y", options->filter, "Display filter (not available yet)");
    command->add_option("-T", options->format, "summary, tree, json or fields")->check(CLI::IsMember({"summary", "tree", "json", "fields"}))->capture_default_str();
    command->add_option("-e", options->fields, "With -T fields: a field to print; may be given several times")->allow_extra_args(false);
    command->add_option("-E", options->fieldOptions, "With -T fields: bom=, header=, separator=, occurrence=, aggregator=, quote= as in tshark")->allow_extra_args(false);
    command->add_option("--keys", options->keyFile, "JSON file with the keys of ESP packets (schema keys describes it): a list \"esp\" of spi, encryption, encryption_key, integrity, integrity_key");
    command->add_option("-c", options->count, "Stop after this many frames")->check(wholeNumber(1));
    command->callback([options, &status] { status = decodeCommand(*options); });
}

}  // namespace roamscope::cli
