// SPDX-License-Identifier: GPL-3.0-or-later
// The window as a program: reads its options and joins the layers.
#include "capture/io/key_file.hpp"
#include "capture/io/resources.hpp"
#include "capture/io/scenario_file.hpp"
#include "ui/view/main_window.hpp"

#include <QApplication>
#include <QCommandLineParser>
#include <QTimer>

#include <cstdio>
#include <cstdlib>
#include <cstring>

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

}  // namespace

int main(int argc, char** argv)
{
    using namespace roamscope;

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

    QCommandLineParser options;
    options.setApplicationDescription(QCoreApplication::translate("main", "Testbed and protocol analyzer for IPv6 mobility."));
    options.addHelpOption();
    options.addVersionOption();
    options.addPositionalArgument(QStringLiteral("file"), QCoreApplication::translate("main", "Capture (pcap, pcapng) or scenario (json) to open."), QStringLiteral("[FILE]"));
    const QCommandLineOption run(QStringLiteral("run"), QCoreApplication::translate("main", "Opens a scenario, a file or the name of one that comes with the program, and starts it."), QStringLiteral("SCENARIO"));
    const QCommandLineOption backend(QStringLiteral("backend"), QCoreApplication::translate("main", "\"virtual\" (default) or \"tap\"."), QStringLiteral("BACKEND"), QStringLiteral("virtual"));
    const QCommandLineOption picture(QStringLiteral("screenshot"), QCoreApplication::translate("main", "Writes a picture of the window and quits."), QStringLiteral("PNG"));
    const QCommandLineOption after(QStringLiteral("after"), QCoreApplication::translate("main", "Seconds to wait before the picture (default 3)."), QStringLiteral("SECONDS"), QStringLiteral("3"));
    const QCommandLineOption dialect(QStringLiteral("dialect"), QCoreApplication::translate("main", "What the senders speak, as decode --dialect of roamscope-cli has it: auto (default), rfc, hmip-draft, shisa-2004, shisa-2006, fmip-4068, pmip-draft, custom:bid=N,flag=N,status=N,map=N,mh=N."), QStringLiteral("NAME"), QStringLiteral("auto"));
    const QCommandLineOption keys(QStringLiteral("keys"), QCoreApplication::translate("main", "JSON file with the keys of ESP packets."), QStringLiteral("KEYS"));
    const QCommandLineOption follow(QStringLiteral("follow"), QCoreApplication::translate("main", "Goes on with what is written to the capture."));
    options.addOptions({dialect, keys, follow, run, backend, picture, after});
    options.process(application);
    const QString links = options.value(backend);
    if (links != QLatin1String("virtual") && links != QLatin1String("tap"))
        return usageError(QStringLiteral("--backend is \"virtual\" or \"tap\", not \"%1\"").arg(links));
    bool number = false;
    const double seconds = options.value(after).toDouble(&number);
    if (!number || seconds < 0 || seconds > 86400) return usageError(QStringLiteral("--after takes seconds, 0 to 86400"));

    const auto spoken = wire::parseDialect(options.value(dialect).toStdString());
    if (!spoken) return usageError(QStringLiteral("--dialect: ") + QString::fromStdString(spoken.error().text));
    if (options.isSet(follow) && options.positionalArguments().isEmpty()) return usageError(QStringLiteral("--follow goes with the FILE of a capture"));
    if (options.positionalArguments().size() > 1) return usageError(QStringLiteral("one FILE at a time; %1 are given").arg(options.positionalArguments().size()));

    const auto sample = capture::findResource("scenarios/intra-map-handover.json");
    ui::MainWindow window({[](const std::string& path, bool following) { return capture::openCapture(path, following); },
                           [](capture::LabOptions lab) { return capture::startLab(std::move(lab)); },
                           [](const std::string& path) { return capture::loadScenario(path); },
                           [](const std::string& path) { return capture::loadKeys(path); },
                           sample ? QString::fromStdString(*sample) : QString()});
    window.show();
    if (spoken->dialect != wire::Dialect::Automatic) window.setDialect(*spoken);
    const auto chosen = links == QLatin1String("tap") ? capture::Backend::Tap : capture::Backend::Virtual;
    if (options.isSet(run)) {
        const auto scenario = capture::resolveScenario(options.value(run).toStdString());
        if (!scenario) return usageError(QString::fromStdString(scenario.error().text));
        window.openScenario(QString::fromStdString(*scenario), true, chosen);
    } else if (!options.positionalArguments().isEmpty()) {
        const QString path = options.positionalArguments().constFirst();
        if (options.isSet(follow)) window.openCapture(path, true);
        else window.openPath(path);
    }
    // Last, so that what is wrong with the keys stays in sight.
    if (options.isSet(keys)) window.loadKeys(options.value(keys));
    if (options.isSet(picture)) {
        const QString file = options.value(picture);
        QTimer::singleShot(static_cast<int>(seconds * 1000), &window, [&window, file] {
            const bool written = window.grab().save(file);
            if (!written) std::fprintf(stderr, "roamscope: cannot write %s\n", qPrintable(file));
            QCoreApplication::exit(written ? 0 : 1);
        });
    }
    return QApplication::exec();
}
