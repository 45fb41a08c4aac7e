// SPDX-License-Identifier: GPL-3.0-or-later
// The window as a program: reads its options and joins the layers.
#include "capture/io/key_file.hpp"
#include "capture/io/resources.hpp"
#include "capture/io/scenario_file.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QCommandLineParser>
#include <QImageWriter>
#include <QTimer>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>

namespace {

int usageError(const QString& text)
{
    std::fprintf(stderr, "roamscope: %s\n", qPrintable(text));
    return 2;
}

bool isSet(const char* variable)
{
    const char* value = std::getenv(variable);
    return value != nullptr && *value != '\0';
}

/// Qt ends the process with a dump of memory where there is no display, even when only help is asked for.
bool hasDisplay(int argc, char** argv)
{
    for (int i = 1; i < argc; ++i)
        if (std::strcmp(argv[i], "-platform") == 0 || std::strcmp(argv[i], "--platform") == 0 || std::strcmp(argv[i], "-display") == 0) return true;
    return isSet("WAYLAND_DISPLAY") || isSet("DISPLAY") || isSet("QT_QPA_PLATFORM");
}

bool asksForText(int argc, char** argv)
{
    for (int i = 1; i < argc; ++i)
        for (const char* option : {"-h", "--help", "--help-all", "-v", "--version"})
            if (std::strcmp(argv[i], option) == 0) return true;
    return false;
}

using namespace roamscope;

QString told(const char* text) { return QCoreApplication::translate("main", text); }

/// The options and what they say.
struct CommandLine {
    const QCommandLineOption dialect{QStringLiteral("dialect"), told("What the senders speak, as decode --dialect of roamscope-cli has it: auto (default), rfc, hmip-draft, shisa-2004, shisa-2006, fmip-4068, pmip-draft, custom:bid=N,flag=N,status=N,map=N,mh=N."), QStringLiteral("NAME"), QStringLiteral("auto")};
    const QCommandLineOption keys{QStringLiteral("keys"), told("JSON file with the keys of ESP packets."), QStringLiteral("KEYS")};
    const QCommandLineOption follow{QStringLiteral("follow"), told("Goes on with what is written to the capture.")};
    const QCommandLineOption run{QStringLiteral("run"), told("Opens a scenario, a file or the name of one that comes with the program, and starts it."), QStringLiteral("SCENARIO")};
    const QCommandLineOption backend{QStringLiteral("backend"), told("With --run: \"virtual\" (default) or \"tap\"."), QStringLiteral("BACKEND"), QStringLiteral("virtual")};
    const QCommandLineOption picture{QStringLiteral("screenshot"), told("Writes a picture of the window and quits."), QStringLiteral("PNG")};
    const QCommandLineOption after{QStringLiteral("after"), told("Seconds to wait before the picture (default 3)."), QStringLiteral("SECONDS"), QStringLiteral("3")};
    QCommandLineParser words;
    wire::DialectChoice spoken;

    explicit CommandLine(const QApplication& application)
    {
        words.setApplicationDescription(told("Testbed and protocol analyzer for IPv6 mobility."));
        words.addHelpOption();
        words.addVersionOption();
        words.addPositionalArgument(QStringLiteral("file"), told("Capture (pcap, pcapng) or scenario (json) to open."), QStringLiteral("[FILE]"));
        words.addOptions({dialect, keys, follow, run, backend, picture, after});
        if (words.parse(QCoreApplication::arguments())) words.process(application);  // ends with help or the version where they are asked for
    }

    [[nodiscard]] QStringList files() const { return words.positionalArguments(); }
    [[nodiscard]] bool onTap() const { return words.value(backend) == QLatin1String("tap"); }
    [[nodiscard]] double seconds() const { return words.value(after).toDouble(); }

    /// What is wrong with it; empty when nothing is.
    [[nodiscard]] QString problem()
    {
        if (!words.errorText().isEmpty()) return words.errorText() + QStringLiteral(" roamscope --help lists the options");
        const QString links = words.value(backend);
        if (links != QLatin1String("virtual") && links != QLatin1String("tap")) return QStringLiteral("--backend is \"virtual\" or \"tap\", not \"%1\"").arg(links);
        bool number = false;
        const double wait = words.value(after).toDouble(&number);
        if (!number || !(wait >= 0 && wait <= 86400)) return QStringLiteral("--after takes seconds, 0 to 86400, not \"%1\"").arg(words.value(after));
        const auto known = wire::parseDialect(words.value(dialect).toStdString());
        if (!known) return QStringLiteral("--dialect: ") + QString::fromStdString(known.error().text);
        spoken = *known;
        if (words.isSet(follow) && files().isEmpty()) return QStringLiteral("--follow goes with the FILE of a capture");
        if (words.isSet(backend) && !words.isSet(run)) return QStringLiteral("--backend goes with --run");
        if (words.isSet(run) && !files().isEmpty()) return QStringLiteral("either --run with a scenario or a FILE, not both");
        if (files().size() > 1) return QStringLiteral("one FILE at a time; %1 are given").arg(files().size());
        return {};
    }
};

/// Opens what the command line names; the exit status when that cannot be.
std::optional<int> openWanted(ui::MainWindow& window, const CommandLine& line)
{
    if (line.spoken.dialect != wire::Dialect::Automatic) window.setDialect(line.spoken);
    if (line.words.isSet(line.run)) {
        const auto scenario = capture::resolveScenario(line.words.value(line.run).toStdString());
        if (!scenario) return usageError(QString::fromStdString(scenario.error().text));
        window.openScenario(QString::fromStdString(*scenario), true, line.onTap() ? capture::Backend::Tap : capture::Backend::Virtual);
    } else if (!line.files().isEmpty()) {
        const QString path = line.files().constFirst();
        if (line.words.isSet(line.follow)) window.openCapture(path, true);
        else window.openPath(path);
    }
    // Last, so that what is wrong with the keys stays in sight.
    if (line.words.isSet(line.keys)) window.loadKeys(line.words.value(line.keys));
    return std::nullopt;
}

void takePictureLater(ui::MainWindow& window, const QString& file, double seconds)
{
    QTimer::singleShot(static_cast<int>(seconds * 1000), &window, [&window, file] {
        QImageWriter writer(file);
        const bool written = writer.write(window.grab().toImage());
        if (!written) std::fprintf(stderr, "roamscope: %s: cannot be written: %s. Name a PNG file in a folder that is there\n", qPrintable(file), qPrintable(writer.errorString()));
        QCoreApplication::exit(written ? 0 : 1);
    });
}

}  // namespace

int main(int argc, char** argv)
{
    if (!hasDisplay(argc, argv)) {
        if (!asksForText(argc, argv)) {
            std::fputs("roamscope: there is no display: neither WAYLAND_DISPLAY nor DISPLAY is set. Start it in a graphical session; "
                       "roamscope-cli does the same without one\n",
                       stderr);
            return 3;
        }
        qputenv("QT_QPA_PLATFORM", "offscreen");
    }
    QApplication application(argc, argv);
    QCoreApplication::setOrganizationName(QStringLiteral("roamscope"));
    QCoreApplication::setApplicationName(QStringLiteral("roamscope"));
    QCoreApplication::setApplicationVersion(QStringLiteral(ROAMSCOPE_VERSION));
    QApplication::setStyle(QStringLiteral("Fusion"));
    CommandLine line(application);
    if (const QString problem = line.problem(); !problem.isEmpty()) return usageError(problem);

    const auto sample = capture::findResource("scenarios/intra-map-handover.json");
    ui::MainWindow window({[](const std::string& path, bool following) { return capture::openCapture(path, following); },
                           [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
                           [](const std::string& path) { return capture::loadScenario(path); },
                           [](const std::string& path) { return capture::loadKeys(path); },
                           sample ? QString::fromStdString(*sample) : QString()});
    window.show();
    if (const auto status = openWanted(window, line)) return *status;
    if (line.words.isSet(line.picture)) takePictureLater(window, line.words.value(line.picture), line.seconds());
    return QApplication::exec();
}
