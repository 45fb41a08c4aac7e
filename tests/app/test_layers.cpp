// SPDX-License-Identifier: GPL-3.0-or-later
// Defends the layer table: app -> ui -> capture -> protocol, no arrow back, and the libraries that each layer may use.
// Every #include of the four layers must be on its layer's list below; a new library is a new line here, on purpose.
// Protocol code is also searched for words that ask what time it is, and the headless programs must not link Qt.
#include <QtTest>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <regex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::array layers = {"protocol", "capture", "ui", "app"};  // each may include itself and those before it

using Names = std::set<std::string, std::less<>>;

/// Standard headers that give a clock, a file, a socket or a thread. (<chrono> is needed for durations: see clockWord.)
const Names impureStandard = {"atomic",       "barrier",    "condition_variable", "cstdio", "ctime", "csignal", "fstream",
                              "filesystem",   "future",     "iostream",           "latch",  "mutex", "random",  "semaphore",
                              "shared_mutex", "stop_token", "syncstream",         "thread"};
const Names posix = {"byteswap.h", "dirent.h", "dlfcn.h",   "endian.h",  "errno.h", "fcntl.h",  "grp.h",
                     "limits.h",   "poll.h",   "pthread.h", "pwd.h",     "sched.h", "signal.h", "spawn.h",
                     "stdio.h",    "stdlib.h", "string.h",  "termios.h", "time.h",  "unistd.h"};
const Names posixSockets = {"ifaddrs.h", "netdb.h"};

bool isOneOf(std::string_view header, const Names& names) { return names.contains(header); }

bool isUnder(std::string_view header, std::initializer_list<std::string_view> folders)
{
    return std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) { return header.starts_with(folder); });
}

/// <vector>, <chrono>: C++ headers are the ones of lower-case letters without suffix or folder.
bool isStandard(std::string_view header)
{
    return !header.empty() && std::all_of(header.begin(), header.end(),
                                          [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

bool isQt(std::string_view header)
{
    return header.size() > 1 && header[0] == 'Q' && header[1] >= 'A' && header[1] <= 'z' && !header.ends_with(".h");
}

bool isNetworkOfQt(std::string_view header)
{
    return header.starts_with("QtNetwork") || header.starts_with("QNetwork") || header.starts_with("QHost") ||
           header.starts_with("QDns") || header.starts_with("QSsl") || header.find("Socket") != std::string_view::npos ||
           header.ends_with("Server");
}

bool isSocketHeader(std::string_view header)
{
    return isUnder(header, {"sys/socket.h", "sys/un.h", "net/", "netinet/", "netinet6/", "netpacket/", "arpa/", "linux/"}) ||
           isOneOf(header, posixSockets);
}

bool isPcap(std::string_view header) { return header == "pcap.h" || isUnder(header, {"pcap/"}); }
bool isTins(std::string_view header) { return isUnder(header, {"tins/"}); }

bool protocolMayUse(std::string_view path, std::string_view header)
{
    if (isStandard(header)) return !isOneOf(header, impureStandard);
    if (isUnder(header, {"openssl/"})) return path.starts_with("protocol/crypto/");
    return header == "tl/expected.hpp" || (isUnder(header, {"fmt/"}) && header != "fmt/os.h");
}

bool captureMayUse(std::string_view path, std::string_view header)
{
    if (isTins(header)) return path.starts_with("capture/foreign.");
    if (isPcap(header)) return path.starts_with("capture/io/");
    if (header == "liburing.h") return path.starts_with("capture/io/tap_batch.");
    return isStandard(header) || header == "tl/expected.hpp" || isOneOf(header, posix) || isSocketHeader(header) ||
           isUnder(header, {"fmt/", "nlohmann/", "sys/", "tao/", "re2/", "librsvg/", "cairo/", "spdlog/"}) ||
           isOneOf(header, {"sqlite3.h", "zlib.h", "zstd.h", "zstd_errors.h"});
}

bool uiMayUse(std::string_view, std::string_view header)
{
    if (isPcap(header) || isTins(header) || isSocketHeader(header) || isNetworkOfQt(header)) return false;
    return isQt(header) || header == "qcustomplot.h" || captureMayUse("capture/", header);
}

bool appMayUse(std::string_view path, std::string_view header)
{
    const bool helper = path.find("helper") != std::string_view::npos;
    const bool headless = helper || path.find("cli") != std::string_view::npos || path.find("extcap") != std::string_view::npos;
    if (isUnder(header, {"libmnl/"}) || isOneOf(header, {"cap-ng.h", "seccomp.h"})) return helper;
    if (isQt(header) || header == "qcustomplot.h") return !headless;
    if (isTins(header) || isUnder(header, {"nlohmann/"})) return !helper;
    return isUnder(header, {"CLI/"}) || isPcap(header) || captureMayUse("capture/", header);
}

/// Index in `layers` of the first folder of a path, if it is a layer.
std::optional<std::size_t> layerOf(std::string_view path)
{
    const auto found = std::find(layers.begin(), layers.end(), path.substr(0, path.find('/')));
    if (found == layers.end()) return std::nullopt;
    return static_cast<std::size_t>(found - layers.begin());
}

/// What is wrong with one #include of the file `path`; empty when the table allows it.
std::string judgeInclude(const std::string& path, const std::string& header, bool quoted)
{
    const std::size_t self = layerOf(path).value();
    if (quoted) {
        if (header.ends_with(".moc") || header.starts_with("moc_")) return self >= 2 ? "" : "Qt below ui";
        const auto target = layerOf(header);
        if (!target) return "an include in quotes starts with a layer's folder";
        if (*target > self) return std::string(layers[self]) + " must not know " + layers[*target];
        if (path.starts_with("ui/model/") && header.starts_with("ui/view/")) return "models must not know views";
        if (path.starts_with("app/") && header.starts_with("ui/") && !appMayUse(path, "QWidget"))
            return "a headless program must not use ui";
        return "";
    }
    constexpr std::array mayUse = {protocolMayUse, captureMayUse, uiMayUse, appMayUse};
    return mayUse[self](path, header) ? "" : "not on the list of what " + std::string(layers[self]) + " may use here";
}

/// The text without its comments; line breaks stay. A quotation mark opens a literal up to its line's end at most.
std::string withoutComments(std::string_view text)
{
    std::string out;
    bool literal = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const std::string_view rest = text.substr(i);
        if (!literal && rest.starts_with("//")) {
            i += rest.substr(0, rest.find('\n')).size();
            out += '\n';
        } else if (!literal && rest.starts_with("/*")) {
            const std::string_view comment = rest.substr(0, rest.find("*/", 2));
            i += comment.size() + 1;
            out.append(static_cast<std::size_t>(std::count(comment.begin(), comment.end(), '\n')), '\n');
        } else if (literal && rest[0] == '\\') {
            out += rest.substr(0, 2);
            ++i;
        } else if (rest.starts_with("'\"'")) {
            out += "'\"'";
            i += 2;
        } else {
            if (rest[0] == '"') literal = !literal;
            if (rest[0] == '\n') literal = false;
            out += rest[0];
        }
    }
    return out;
}

/// Every breach of the table in one file, as "path:line: what".
std::vector<std::string> breaches(const std::string& path, const std::string& text)
{
    // No raw strings here: moc of Qt 6.4 loses its way in them.
    static const std::regex include("^\\s*#\\s*include\\s*(?:<([^>]+)>|\"([^\"]+)\"|(\\S+)).*$");
    static const std::regex clockWord(
        "\\b(system_clock|steady_clock|high_resolution_clock|utc_clock|tai_clock|gps_clock|file_clock|random_device|"
        "clock_gettime|gettimeofday|timespec_get|getrandom|nanosleep|sleep_for|sleep_until|__DATE__|__TIME__)\\b");
    std::vector<std::string> out;
    std::istringstream lines(withoutComments(text));
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
        const std::string place = path + ":" + std::to_string(number) + ": ";
        std::smatch match;
        if (std::regex_match(line, match, include)) {
            const std::string verdict = match[3].matched
                                            ? "an include must name its header"
                                            : judgeInclude(path, match[1].matched ? match[1] : match[2], match[2].matched);
            if (!verdict.empty()) out.push_back(place + line + " — " + verdict);
        } else if (path.starts_with("protocol/") && std::regex_search(line, match, clockWord)) {
            out.push_back(place + match[1].str() + " — protocol is a pure function: time and randomness are handed to it");
        }
    }
    return out;
}

bool isSource(const std::filesystem::path& path)
{
    return path.extension() == ".cpp" || path.extension() == ".hpp" || path.extension() == ".h" || path.extension() == ".ipp";
}

std::string read(const std::filesystem::path& path)
{
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// The shared libraries that a program needs, directly or through others, as ldd prints them; empty when ldd fails.
QString librariesOf(const QString& program)
{
    QProcess ldd;
    ldd.start("ldd", {program});
    if (!ldd.waitForFinished() || ldd.exitStatus() != QProcess::NormalExit || ldd.exitCode() != 0) return {};
    return QString::fromLocal8Bit(ldd.readAllStandardOutput());
}

}  // namespace

class TestLayers : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void theSourcesKeepToTheTable_data()
    {
        QTest::addColumn<QString>("layer");
        for (const char* layer : layers) QTest::newRow(layer) << layer;
    }
    void theSourcesKeepToTheTable()
    {
        QFETCH(QString, layer);
        const std::filesystem::path root = ROAMSCOPE_SOURCE_DIR;
        QString found;
        int files = 0;
        for (const auto& entry : std::filesystem::recursive_directory_iterator(root / layer.toStdString())) {
            if (!entry.is_regular_file() || !isSource(entry.path())) continue;
            ++files;
            const std::string path = std::filesystem::relative(entry.path(), root).generic_string();
            for (const auto& breach : breaches(path, read(entry.path()))) found += "\n" + QString::fromStdString(breach);
        }
        QVERIFY(files > 0);
        QVERIFY2(found.isEmpty(), qPrintable(found));
    }

    // The test of the test: what the table forbids is seen, and what it allows is not.
    void forbiddenLinesAreSeen_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("line");
        for (const auto& [path, line] : std::initializer_list<std::pair<const char*, const char*>>{
                 {"protocol/node/a.cpp", "#include \"capture/trace/frame.hpp\""},
                 {"protocol/node/a.cpp", "#include \"../capture/frame.hpp\""},
                 {"protocol/node/a.cpp", "#include \"bytes.hpp\""},
                 {"protocol/node/a.cpp", "#include <thread>"},
                 {"protocol/node/a.cpp", "# include <fstream>  // why not"},
                 {"protocol/node/a.cpp", "#include/* hidden */<mutex>"},
                 {"protocol/node/a.cpp", "#include <sys/socket.h>"},
                 {"protocol/node/a.cpp", "#include <unistd.h>"},
                 {"protocol/node/a.cpp", "#include <pcap.h>"},
                 {"protocol/node/a.cpp", "#include <tins/tins.h>"},
                 {"protocol/node/a.cpp", "#include <QString>"},
                 {"protocol/node/a.cpp", "#include \"a.moc\""},
                 {"protocol/node/a.cpp", "#include <openssl/evp.h>"},
                 {"protocol/node/a.cpp", "#include HEADER"},
                 {"protocol/node/a.cpp", "/* a */ #include <thread>"},
                 {"protocol/node/a.cpp", "const char* s = \"/*\"; char c = '\"'; auto t = std::chrono::system_clock::now();"},
                 {"protocol/node/a.cpp", "auto t = std::chrono::steady_clock::now();"},
                 {"protocol/node/a.cpp", "using C = std::chrono::system_clock;"},
                 {"protocol/node/a.cpp", "std::random_device seed;"},
                 {"capture/io/a.cpp", "#include \"ui/model/theme.hpp\""},
                 {"capture/io/a.cpp", "#include \"app/cli.hpp\""},
                 {"capture/io/a.cpp", "#include <QFile>"},
                 {"capture/io/a.cpp", "#include <QtCore/QFile>"},
                 {"capture/io/a.cpp", "#include <tins/tins.h>"},
                 {"capture/io/a.cpp", "#include <CLI/CLI.hpp>"},
                 {"capture/io/a.cpp", "#include <libmnl/libmnl.h>"},
                 {"capture/trace/a.cpp", "#include <pcap/pcap.h>"},
                 {"capture/run/a.cpp", "#include <liburing.h>"},
                 {"ui/view/a.cpp", "#include \"app/main.hpp\""},
                 {"ui/view/a.cpp", "#include <pcap.h>"},
                 {"ui/view/a.cpp", "#include <sys/socket.h>"},
                 {"ui/view/a.cpp", "#include <netinet/in.h>"},
                 {"ui/view/a.cpp", "#include <QTcpSocket>"},
                 {"ui/view/a.cpp", "#include <QtNetwork/QLocalServer>"},
                 {"ui/model/a.cpp", "#include \"ui/view/main_window.hpp\""},
                 {"app/roamscope_cli.cpp", "#include <QString>"},
                 {"app/roamscope_cli.cpp", "#include \"ui/model/theme.hpp\""},
                 {"app/roamscope_cli.cpp", "#include <seccomp.h>"},
                 {"app/helper/main.cpp", "#include <nlohmann/json.hpp>"},
                 {"app/helper/main.cpp", "#include <tins/tins.h>"},
             })
            QTest::addRow("%s %s", path, line) << path << line;
    }
    void forbiddenLinesAreSeen()
    {
        QFETCH(QString, path);
        QFETCH(QString, line);
        const auto found = breaches(path.toStdString(), "// first line\n" + line.toStdString() + "\nint x;\n");
        QCOMPARE(found.size(), std::size_t{1});
        QVERIFY2(found[0].starts_with(path.toStdString() + ":2: "), found[0].c_str());
    }

    void allowedLinesPass_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("line");
        for (const auto& [path, line] : std::initializer_list<std::pair<const char*, const char*>>{
                 {"protocol/node/a.cpp", "#include \"protocol/base/bytes.hpp\""},
                 {"protocol/node/a.cpp", "#include <chrono>"},
                 {"protocol/node/a.cpp", "#include <fmt/format.h>"},
                 {"protocol/node/a.cpp", "#include <tl/expected.hpp>"},
                 {"protocol/node/a.cpp", "// #include <thread> would be wrong here"},
                 {"protocol/node/a.cpp", "/* steady_clock\n#include <thread>\n*/"},
                 {"protocol/node/a.cpp", "int a = 1;  // \"steady_clock"},
                 {"protocol/crypto/a.cpp", "#include <openssl/evp.h>"},
                 {"capture/io/live_capture.cpp", "#include <pcap/pcap.h>"},
                 {"capture/foreign.cpp", "#include <tins/tins.h>"},
                 {"capture/io/tap_batch.cpp", "#include <liburing.h>"},
                 {"capture/run/a.cpp", "#include <thread>"},
                 {"capture/run/a.cpp", "#include <linux/if_tun.h>"},
                 {"ui/view/a.cpp", "#include <QMainWindow>"},
                 {"ui/view/a.cpp", "#include <QtWidgets/QWidget>"},
                 {"ui/view/a.cpp", "#include <qcustomplot.h>"},
                 {"ui/view/a.cpp", "#include \"a.moc\""},
                 {"ui/view/a.cpp", "#include \"capture/trace/trace.hpp\""},
                 {"app/roamscope.cpp", "#include \"ui/view/main_window.hpp\""},
                 {"app/roamscope.cpp", "#include <QApplication>"},
                 {"app/roamscope_cli.cpp", "#include <CLI/CLI.hpp>"},
                 {"app/helper/main.cpp", "#include <libmnl/libmnl.h>"},
                 {"app/helper/main.cpp", "#include <cap-ng.h>"},
                 {"app/helper/main.cpp", "#include <pcap.h>"},
             })
            QTest::addRow("%s %s", path, line) << path << line;
    }
    void allowedLinesPass()
    {
        QFETCH(QString, path);
        QFETCH(QString, line);
        const auto found = breaches(path.toStdString(), line.toStdString() + "\n");
        QVERIFY2(found.empty(), found.empty() ? "" : found[0].c_str());
    }

    void headlessProgramsLinkNoQt_data()
    {
        QTest::addColumn<QString>("program");
        QTest::addColumn<QStringList>("unwanted");
        QTest::newRow("roamscope-cli") << "roamscope-cli" << QStringList{"libQt"};
        QTest::newRow("roamscope-helper") << "roamscope-helper" << QStringList{"libQt", "libtins"};
    }
    void headlessProgramsLinkNoQt()
    {
        QFETCH(QString, program);
        QFETCH(QStringList, unwanted);
        const QString path = QString(ROAMSCOPE_BIN_DIR "/") + program;
        QVERIFY2(QFileInfo::exists(path), qPrintable(path + " is not built"));
        const QString libraries = librariesOf(path);
        QVERIFY2(libraries.contains("libc.so"), qPrintable("ldd says nothing about " + path));
        for (const QString& name : unwanted)
            QVERIFY2(!libraries.contains(name), qPrintable(path + " links " + name + ":\n" + libraries));
    }
    void aProgramThatLinksQtIsSeen() { QVERIFY(librariesOf(QCoreApplication::applicationFilePath()).contains("libQt")); }
};

QTEST_GUILESS_MAIN(TestLayers)
#include "test_layers.moc"
