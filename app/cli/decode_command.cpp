// SPDX-License-Identifier: GPL-3.0-or-later
// `decode`: reads a capture frame by frame and prints what stands in it.
#include "app/cli/commands.hpp"
#include "app/cli/decode_formats.hpp"
#include "app/cli/filter_option.hpp"
#include "app/cli/frame_source.hpp"
#include "app/cli/output.hpp"
#include "capture/analysis/analyzer.hpp"
#include "capture/io/key_file.hpp"
#include "protocol/wire/reassembly.hpp"
#include "protocol/wire/skim.hpp"

#include <fmt/format.h>
#include <limits>

namespace roamscope::cli {

namespace {

struct DecodeOptions {
    std::string file;
    std::string filter;
    std::string format = "summary";
    std::string keyFile;
    std::string dialect = "auto";
    std::vector<std::string> fields;
    std::vector<std::string> fieldOptions;
    std::size_t count = std::numeric_limits<std::size_t>::max();
    bool follow = false;
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

/// The next frame. While none is there at once, what was held back is shown.
Result<capture::Read> nextFrame(FrameSource& reader, capture::CaptureRecord& record, FrameFormat& format, Output& out)
{
    if (reader.isRegular()) return reader.next(record, 200ms);
    const auto read = reader.next(record, Duration{0});
    if (!read || *read != capture::Read::Pending) return read;
    out.write(format.flush());
    out.flush();
    return reader.next(record, 200ms);
}

/// What is odd about the file, once for each kind, on standard error.
void tellOddities(const std::string& file, const FrameSource& reader)
{
    for (const std::string& text : reader.notes().oddityTexts())
        fmt::print(stderr, "roamscope-cli: note: {}: {}\n", file == "-" ? "standard input" : file, text);
}

/// How frames are read. On failure complains and gives the exit status.
tl::expected<capture::DecodeSettings, int> settingsOf(const DecodeOptions& options)
{
    capture::DecodeSettings out;
    const auto dialect = wire::parseDialect(options.dialect);
    if (!dialect) return tl::unexpected(complain(Usage, "--dialect: " + printable(dialect.error().text)));
    out.dialect = *dialect;
    if (options.keyFile.empty()) return out;
    auto keys = capture::loadKeys(options.keyFile);
    if (!keys) return tl::unexpected(complain(keys.error()));
    out.keys = std::make_shared<const wire::EspKeys>(std::move(*keys));
    return out;
}

/// What breaks a rule together with the frames before: exchanges, handovers, fragments that overlap.
std::vector<wire::Finding> findingsOf(analysis::Analyzer& analyzer, std::size_t number, const capture::FrameView& view, const capture::TraceLink& link)
{
    analyzer.add(static_cast<analysis::FrameIndex>(number - 1), view, link);
    std::vector<wire::Finding> out;
    for (analysis::TraceFinding& found : analyzer.takeFindings()) out.push_back(std::move(found.finding));
    return out;
}

int decodeCommand(const DecodeOptions& options)
{
    auto format = formatOf(options);
    if (!format) return complain(format.error());
    const auto settings = settingsOf(options);
    if (!settings) return settings.error();
    const auto choice = FrameChoice::make(options.filter, options.file, *settings);
    if (!choice) return choice.error();
    // Who asks for the first frames only is not told what is odd about later ones.
    const bool all = options.count == DecodeOptions().count;
    auto reader = options.follow ? FrameSource::follow(options.file) : FrameSource::open(options.file, all);
    if (!reader) return complain(reader.error());

    Output out;
    out.write((*format)->head());
    std::optional<Error> broken;
    std::int64_t start = 0;
    capture::CaptureRecord record;
    wire::Reassembler reassembler;
    analysis::Analyzer analyzer(*settings);
    for (std::size_t number = 1; number <= options.count && !out.gone() && !interrupted();) {
        const auto read = nextFrame(*reader, record, **format, out);
        if (!read) broken = read.error();
        if (!read || *read == capture::Read::End) break;
        if (*read == capture::Read::Pending) continue;
        if (number == 1) start = capture::traceStart(record.utc);
        const capture::TraceLink& link = reader->links()[record.link];
        const capture::FrameView view{sinceStart(start, record.utc), record.link, record.originalLength, record.bytes};
        const wire::Skim known = wire::skim(view.bytes, link.linkType, view.originalLength);
        wire::Reassembler::Outcome pieces;
        if (known.kind == wire::FrameClass::Fragment)
            pieces = reassembler.add({static_cast<std::uint32_t>(number), view.time, view.link}, view.bytes, link.linkType, view.originalLength);
        const wire::DecodeContext context = settings->context(pieces.datagram ? &*pieces.datagram : nullptr);
        NumberedFrame frame{number, record.utc, view, &link, {}, context};
        if ((*format)->showsFindings()) frame.findings = findingsOf(analyzer, number, view, link);
        if (choice->takes(frame, known, reader->links())) {
            frame.comments = reader->notes().packetComments(number - 1);
            out.write((*format)->frame(frame));
        }
        ++number;
    }
    out.write((*format)->flush());
    const int status = out.finish(Fine);
    if (!out.gone()) tellOddities(options.file, *reader);
    return broken && !out.gone() ? complain(*broken) : status;
}

std::string dialectHelp()
{
    std::string out = "What the senders speak:";
    for (const wire::Dialect dialect : wire::allDialects()) out += fmt::format("\n{}: {}", wire::dialectName(dialect), wire::dialectExplanation(dialect));
    return out + "\nAn example: custom:bid=7,flag=0x0200,status=164,map=23,mh=62";
}

}  // namespace

void addDecodeCommand(CLI::App& app, int& status)
{
    auto options = std::make_shared<DecodeOptions>();
    CLI::App* command = app.add_subcommand("decode", "Print the frames of a capture (pcap, pcapng, also .gz and .zst; - is standard input)");
    command->add_option("FILE", options->file, "The capture")->required();
    command->add_option("-Y", options->filter, "Display filter as in Wireshark, such as 'mip6.mhtype == BU && mip6.bu.m_flag == 1'; fields lists the names");
    command->add_option("-T", options->format, "summary, tree, json or fields")->check(CLI::IsMember({"summary", "tree", "json", "fields"}))->capture_default_str();
    command->add_option("-e", options->fields, "With -T fields: a field to print; may be given several times")->allow_extra_args(false);
    command->add_option("-E", options->fieldOptions, "With -T fields: bom=, header=, separator=, occurrence=, aggregator=, quote= as in tshark")->allow_extra_args(false);
    command->add_option("--keys", options->keyFile, "JSON file with the keys of ESP packets (schema keys describes it): a list \"esp\" of spi, encryption, encryption_key, integrity, integrity_key");
    command->add_option("--dialect", options->dialect, dialectHelp())->capture_default_str();
    command->add_flag("--follow", options->follow, "Wait at the end of the file for more, like tail -f; SIGINT ends");
    command->add_option("-c", options->count, "Read no more than this many frames (with -Y too, like tshark: not this many lines)")->check(wholeNumber(1));
    command->callback([options, &status] { status = decodeCommand(*options); });
}

}  // namespace roamscope::cli
