// SPDX-License-Identifier: GPL-3.0-or-later
#include "ui/model/capture_properties.hpp"

#include "protocol/base/address.hpp"
#include "protocol/wire/link.hpp"
#include "protocol/wire/mobility_names.hpp"
#include "ui/model/format.hpp"

#include <QCoreApplication>
#include <QDateTime>
#include <QFileInfo>
#include <QLocale>
#include <QTimeZone>

#include <algorithm>
#include <array>

namespace roamscope::ui {

namespace {

using capture::CaptureNotes;
using Group = CapturePropertyGroup;

constexpr std::size_t listed = 500;       // of comments, names, blocks
constexpr std::size_t interfaces = 64;
constexpr qsizetype longestText = 4000;

QString tr(const char* text) { return QCoreApplication::translate("CaptureProperties", text); }

void add(Group& group, const QString& name, const QString& value, std::optional<std::size_t> frame = {})
{
    if (!value.isEmpty()) group.rows.push_back({name, value.left(longestText), frame});
}

void addMore(Group& group, std::size_t all, std::size_t limit)
{
    if (all > limit) add(group, QString(), tr("… and %1 more").arg(formatCount(all - limit)));
}

QString utcText(std::int64_t ns)
{
    std::int64_t seconds = ns / 1'000'000'000;
    std::int64_t rest = ns % 1'000'000'000;
    if (rest < 0) rest += 1'000'000'000, --seconds;
    const QDateTime time = QDateTime::fromSecsSinceEpoch(seconds, Qt::UTC);
    return QStringLiteral("%1.%2 UTC").arg(time.toString(QStringLiteral("yyyy-MM-dd HH:mm:ss"))).arg(rest, 9, 10, QLatin1Char('0'));
}

/// UTC of an instant of the trace; stamps of others may lie anywhere.
QString instantText(const capture::TraceSnapshot& trace, TimePoint t)
{
    std::int64_t utc = 0;
    return __builtin_add_overflow(trace.startUtc(), toNanoseconds(t), &utc) ? QString() : utcText(utc);
}

QString linkTypeText(std::uint16_t type)
{
    static constexpr std::array<std::pair<std::uint16_t, const char*>, 16> names{{{wire::linkNull, QT_TRANSLATE_NOOP("CaptureProperties", "null or loopback")},
                                                                                  {wire::linkEthernet, "Ethernet"},
                                                                                  {wire::linkPpp, "PPP"},
                                                                                  {wire::linkRawBsd, QT_TRANSLATE_NOOP("CaptureProperties", "raw IP")},
                                                                                  {wire::linkRawOpenBsd, QT_TRANSLATE_NOOP("CaptureProperties", "raw IP")},
                                                                                  {wire::linkPppHdlc, "PPP/HDLC"},
                                                                                  {wire::linkPppoe, "PPPoE"},
                                                                                  {wire::linkRaw, QT_TRANSLATE_NOOP("CaptureProperties", "raw IP")},
                                                                                  {wire::linkWifi, "IEEE 802.11"},
                                                                                  {wire::linkLoopback, QT_TRANSLATE_NOOP("CaptureProperties", "loopback")},
                                                                                  {wire::linkCooked, QT_TRANSLATE_NOOP("CaptureProperties", "Linux cooked, version 1")},
                                                                                  {wire::linkRadiotap, "IEEE 802.11, radiotap"},
                                                                                  {wire::linkPppDirection, "PPP"},
                                                                                  {wire::linkRawIpv4, QT_TRANSLATE_NOOP("CaptureProperties", "raw IPv4")},
                                                                                  {wire::linkRawIpv6, QT_TRANSLATE_NOOP("CaptureProperties", "raw IPv6")},
                                                                                  {wire::linkCooked2, QT_TRANSLATE_NOOP("CaptureProperties", "Linux cooked, version 2")}}};
    const auto known = std::find_if(names.begin(), names.end(), [type](const auto& entry) { return entry.first == type; });
    return known == names.end() ? tr("link type %1, not decoded").arg(type) : tr("%1 (%2)").arg(tr(known->second)).arg(type);
}

Group fileGroup(const capture::View& view, const QString& path)
{
    Group group{path.isEmpty() ? tr("Capture") : tr("File"), {}};
    const CaptureNotes& notes = *view.notes;
    if (!path.isEmpty()) {
        const QFileInfo file(path);
        add(group, tr("Name"), file.absoluteFilePath());
        add(group, tr("Size"), tr("%1 (%2 octets)").arg(formatOctets(static_cast<std::uint64_t>(file.size())), formatCount(static_cast<std::uint64_t>(file.size()))));
        add(group, tr("Format"), notes.sections().empty() ? QStringLiteral("pcap")
                                 : notes.sections().size() == 1 ? QStringLiteral("pcapng")
                                                                : tr("pcapng, %1 sections").arg(formatCount(notes.sections().size())));
    }
    const capture::TraceSnapshot& trace = view.trace;
    add(group, tr("Frames"), formatCount(trace.size()));
    if (view.summary) add(group, tr("Octets captured"), formatCount(view.summary->octets));
    if (trace.size() > 0) {
        add(group, tr("First frame"), instantText(trace, trace.row(0).time), 0);
        add(group, tr("Last instant"), instantText(trace, trace.end()));
        add(group, tr("Duration"), tr("%1 s").arg(formatTime(trace.end())));
    }
    if (view.dropped > 0) add(group, tr("Dropped"), tr("%1 frames: losses that are counted are upper bounds").arg(formatCount(view.dropped)));
    add(group, tr("State"), view.complete ? view.stopped ? tr("not all of it was read") : tr("read to its end") : tr("being read, %1 %").arg(static_cast<int>(100 * view.progress)));
    add(group, tr("Remark"), toQt(view.remark));
    if (view.problem) {
        add(group, tr("Breaks off"), toQt(view.problem->text));
        if (view.problem->offset > 0) add(group, tr("First bad octet"), formatCount(view.problem->offset));
    }
    return group;
}

Group contentGroup(const capture::View& view)
{
    Group group{tr("What is inside"), {}};
    if (!view.summary) return group;
    static constexpr std::array<const char*, 10> classes{QT_TRANSLATE_NOOP("CaptureProperties", "Not IP"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "IPv4"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "IPv6, other"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "IPv6 without a message"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "Mobility messages"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "ICMPv6 messages"),
                                                         "UDP",
                                                         "TCP",
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "ESP"),
                                                         QT_TRANSLATE_NOOP("CaptureProperties", "Fragments")};
    const auto count = [&](const QString& name, std::uint64_t n) {
        if (n > 0) add(group, name, formatCount(n));
    };
    const capture::IndexSummary& summary = *view.summary;
    for (std::size_t i = 0; i < classes.size(); ++i) count(tr(classes[i]), summary.frames[i]);
    for (std::size_t type = 0; type < summary.mobility.size(); ++type)
        count(QStringLiteral("    %1").arg(toQt(wire::mobilityName(static_cast<std::uint8_t>(type)))), summary.mobility[type]);
    count(tr("Wrong checksums"), summary.badChecksums);
    count(tr("    in mobility messages"), summary.badMobility);
    count(tr("Malformed"), summary.malformed);
    count(tr("Cut by the capture"), summary.cut);
    count(tr("Encrypted, not opened"), view.analysis->encryptedFrames);
    return group;
}

Group dialectGroup(const capture::View& view)
{
    Group group{tr("Drafts and early implementations"), {}};
    for (const analysis::DialectEvidence& e : view.analysis->dialects)
        add(group, toQt(e.name), tr("%1 messages: %2").arg(formatCount(e.count), toQt(e.reason)), e.firstFrame);
    return group;
}

void addOptions(Group& group, const capture::CaptureOptions& options, std::initializer_list<std::pair<std::uint16_t, QString>> known)
{
    for (const auto& [code, name] : known) add(group, name, toQt(capture::textOf(options, code)));
    for (const std::string& comment : capture::commentsOf(options)) add(group, tr("Comment"), toQt(comment));
}

void addSections(std::vector<Group>& out, const CaptureNotes& notes)
{
    const auto& sections = notes.sections();
    for (std::size_t i = 0; i < std::min(sections.size(), interfaces); ++i) {
        Group group{sections.size() == 1 ? tr("Written by") : tr("Section %1").arg(i + 1), {}};
        addOptions(group, sections[i].options,
                   {{capture::option::application, tr("Program")}, {capture::option::system, tr("System")}, {capture::option::hardware, tr("Hardware")}});
        if (sections.size() > 1) add(group, tr("Starts at octet"), formatCount(sections[i].offset));
        out.push_back(std::move(group));
    }
}

QString resolutionText(std::uint8_t resolution)
{
    const int digits = resolution & 0x7f;
    if ((resolution & 0x80) != 0) return tr("2^−%1 s").arg(digits);
    return digits == 3 ? tr("milliseconds") : digits == 6 ? tr("microseconds") : digits == 9 ? tr("nanoseconds") : tr("10^−%1 s").arg(digits);
}

Group interfaceGroup(const capture::View& view, std::size_t i)
{
    const capture::TraceLink& link = view.trace.links()[i];
    Group group{link.name.empty() ? tr("Interface %1").arg(i) : tr("Interface %1: %2").arg(i).arg(toQt(link.name)), {}};
    add(group, tr("Link"), linkTypeText(link.linkType));
    if (i >= view.notes->interfaces().size()) return group;
    const capture::CaptureInterface& about = view.notes->interfaces()[i];
    add(group, tr("Limit"), about.snapLength == 0 ? tr("none") : tr("%1 octets of a frame").arg(formatCount(about.snapLength)));
    add(group, tr("Times in"), resolutionText(about.resolution));
    if (about.timeOffset != 0) add(group, tr("Added to times"), tr("%1 s").arg(about.timeOffset));
    if (about.fcsLength != 0) add(group, tr("Check octets"), QString::number(about.fcsLength));
    // The first octet of a filter says how it is written.
    const std::string filter = capture::textOf(about.options, capture::option::filter);
    if (filter.size() > 1 && filter[0] == '\0') add(group, tr("Capture filter"), toQt(std::string_view(filter).substr(1)));
    if (const auto speed = capture::numberOf(about.options, capture::option::speed)) add(group, tr("Speed"), tr("%1 bit/s").arg(formatCount(*speed)));
    addOptions(group, about.options,
               {{capture::option::description, tr("Description")}, {capture::option::interfaceSystem, tr("System")}, {capture::option::interfaceHardware, tr("Hardware")}});
    const auto statistic = [&](std::uint16_t code, const QString& name) {
        if (const auto n = capture::numberOf(about.statistics, code)) add(group, name, formatCount(*n));
    };
    statistic(capture::option::received, tr("Received"));
    statistic(capture::option::dropped, tr("Dropped by the interface"));
    statistic(capture::option::systemDropped, tr("Dropped by the system"));
    if (about.statisticsTime) add(group, tr("Counted until"), utcText(*about.statisticsTime));
    return group;
}

Group commentGroup(const CaptureNotes& notes)
{
    Group group{tr("Comments on frames"), {}};
    std::size_t all = 0;
    for (const std::uint64_t packet : notes.notedPackets()) {
        if (all >= listed) {
            ++all;
            continue;
        }
        for (const std::string& comment : notes.packetComments(packet)) {
            add(group, tr("Frame %1").arg(formatCount(packet + 1)), toQt(comment), static_cast<std::size_t>(packet));
            ++all;
        }
    }
    addMore(group, all, listed);
    return group;
}

QString addressText(const capture::CaptureName& name)
{
    const auto make = [&](auto address) {
        std::copy_n(name.address.begin(), std::min(name.address.size(), address.octets.size()), address.octets.begin());
        return toQt(address.text());
    };
    if (name.address.size() == 4) return make(Ipv4Address{});
    if (name.address.size() == 6) return make(Mac{});
    if (name.address.size() == 16) return make(Ipv6Address{});
    return toQt(wire::hexText(name.address));
}

Group nameGroup(const CaptureNotes& notes)
{
    Group group{tr("Names"), {}};
    for (std::size_t i = 0; i < std::min(notes.names().size(), listed); ++i) {
        QStringList names;
        for (const std::string& name : notes.names()[i].names) names << toQt(name);
        add(group, addressText(notes.names()[i]), names.join(QStringLiteral(", ")));
    }
    addMore(group, notes.names().size(), listed);
    for (const std::string& comment : capture::commentsOf(notes.nameOptions())) add(group, tr("Comment"), toQt(comment));
    return group;
}

QString blockName(const capture::CaptureBlock& block)
{
    if (block.type == capture::blockType::secrets) return tr("Secrets");
    if (block.type != capture::blockType::custom && block.type != capture::blockType::customNotCopied) return tr("Block of type 0x%1").arg(block.type, 8, 16, QLatin1Char('0'));
    if (block.body.size() < 4) return tr("Custom block");
    std::uint32_t enterprise = 0;
    for (std::size_t i = 0; i < 4; ++i) enterprise |= std::uint32_t{block.body[i]} << (block.bigEndian ? 24 - 8 * i : 8 * i);
    return tr("Custom block of enterprise %1").arg(enterprise);
}

Group blockGroup(const CaptureNotes& notes)
{
    Group group{tr("Blocks that are kept as they are"), {}};
    for (std::size_t i = 0; i < std::min(notes.blocks().size(), listed); ++i) {
        const capture::CaptureBlock& block = notes.blocks()[i];
        add(group, blockName(block), tr("%1 octets, at octet %2 of the file, behind frame %3").arg(formatCount(block.body.size()), formatCount(block.offset), formatCount(block.packet)));
    }
    addMore(group, notes.blocks().size(), listed);
    return group;
}

Group oddGroup(const CaptureNotes& notes)
{
    Group group{tr("Odd in this file"), {}};
    const auto texts = notes.oddityTexts();
    std::size_t at = 0;
    for (std::size_t kind = 0; kind < capture::oddities; ++kind) {
        const capture::OddityCount& odd = notes.odd(static_cast<capture::Oddity>(kind));
        if (odd.count == 0 || at >= texts.size()) continue;
        const auto frame = odd.firstPacket > 0 ? std::optional(static_cast<std::size_t>(odd.firstPacket - 1)) : std::nullopt;
        add(group, QStringLiteral("⚠"), toQt(texts[at++]), frame);
    }
    return group;
}

}  // namespace

QString formatOctets(std::uint64_t octets)
{
    return QLocale::c().formattedDataSize(static_cast<qint64>(octets), octets < 1000 ? 0 : 1, QLocale::DataSizeSIFormat);
}

std::vector<CapturePropertyGroup> captureProperties(const capture::View& view, const QString& path)
{
    std::vector<Group> out;
    out.push_back(fileGroup(view, path));
    out.push_back(oddGroup(*view.notes));
    out.push_back(contentGroup(view));
    out.push_back(dialectGroup(view));
    addSections(out, *view.notes);
    const std::size_t links = view.trace.links().size();
    for (std::size_t i = 0; i < std::min(links, interfaces); ++i) out.push_back(interfaceGroup(view, i));
    if (links > interfaces) out.back().rows.push_back({QString(), tr("… and %1 more interfaces").arg(formatCount(links - interfaces)), {}});
    out.push_back(commentGroup(*view.notes));
    out.push_back(nameGroup(*view.notes));
    out.push_back(blockGroup(*view.notes));
    std::erase_if(out, [](const Group& group) { return group.rows.empty(); });
    return out;
}

QString propertiesText(const std::vector<CapturePropertyGroup>& groups)
{
    QString out;
    for (const Group& group : groups) {
        out += (out.isEmpty() ? QString() : QStringLiteral("\n")) + group.title + QLatin1Char('\n');
        for (const CaptureProperty& row : group.rows) out += QStringLiteral("  %1: %2\n").arg(row.name, row.value);
    }
    return out;
}

}  // namespace roamscope::ui
