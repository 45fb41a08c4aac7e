// SPDX-License-Identifier: GPL-3.0-or-later
// The window: arranges the views around one workspace and opens what the menus, a drop or the command line name. It knows how
// to open and run things only through Services, so that tests can give it their own.
#pragma once

#include "capture/run/session.hpp"
#include "protocol/wire/esp.hpp"
#include "ui/model/workspace.hpp"
#include "ui/view/banner.hpp"
#include "ui/view/filter_bar.hpp"
#include "ui/view/frame_pane.hpp"
#include "ui/view/lesson_view.hpp"
#include "ui/view/load_strip.hpp"
#include "ui/view/packet_list.hpp"
#include "ui/view/run_bar.hpp"
#include "ui/view/start_page.hpp"
#include "ui/view/tables.hpp"
#include "ui/view/timeline_view.hpp"
#include "ui/view/topology_view.hpp"

#include <QMainWindow>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>

#include <functional>
#include <memory>
#include <string>

namespace roamscope::ui {

class PropertiesDialog;

/// What the window asks the layers below for. All must be set.
struct Services {
    /// `follow`: the end of the file is where more may come.
    std::function<Result<std::unique_ptr<capture::Session>>(const std::string& path, bool follow)> openCapture;
    std::function<Result<std::unique_ptr<capture::Session>>(capture::LabOptions options)> startLab;
    std::function<Result<lab::Scenario>(const std::string& path)> loadScenario;
    std::function<Result<wire::EspKeys>(const std::string& path)> loadKeys;
    QString samplePath;  ///< the scenario of "Run the sample"; empty when it was not found
};

class MainWindow : public QMainWindow {
    Q_OBJECT

public:
    explicit MainWindow(Services services, QWidget* parent = nullptr);
    ~MainWindow() override;

    /// A file of keys, or a scenario when the name ends in .json (it starts paused), otherwise a capture. False when it could not be opened; the
    /// banner says why.
    bool openPath(const QString& path);
    bool openCapture(const QString& path, bool follow = false);
    /// `run`: starts at once instead of paused at time 0.
    bool openScenario(const QString& path, bool run, capture::Backend backend);
    /// Shows a session made elsewhere.
    void setSession(std::unique_ptr<capture::Session> session, const QString& title);

    /// How frames are read from now on, in what is open and what will be.
    void setDialect(const wire::DialectChoice& choice);
    /// False when the file cannot be used; the banner says why.
    bool loadKeys(const QString& path);
    /// Opens the properties of what is open.
    void showProperties();

    [[nodiscard]] Workspace& workspace() { return workspace_; }
    [[nodiscard]] RunBar* runBar() const { return runBar_; }
    [[nodiscard]] Banner* banner() const { return banner_; }
    [[nodiscard]] PacketList* packets() const { return packets_; }
    [[nodiscard]] FilterModel& filter() { return filter_; }
    [[nodiscard]] FilterBar* filterBar() const { return filterBar_; }
    [[nodiscard]] FramePane* framePane() const { return frame_; }
    [[nodiscard]] TimelineView* timeline() const { return timeline_; }
    [[nodiscard]] TopologyView* topology() const { return topology_; }
    [[nodiscard]] BindingsView* bindings() const { return bindings_; }
    [[nodiscard]] HandoversView* handovers() const { return handovers_; }
    [[nodiscard]] FlowsView* flows() const { return flows_; }
    [[nodiscard]] LessonView* lesson() const { return lesson_; }
    [[nodiscard]] QAction* followAction() const { return follow_; }
    [[nodiscard]] LoadStrip* loadStrip() const { return load_; }
    [[nodiscard]] PropertiesDialog* properties() const { return properties_; }
    /// The actions of the dialects, in the order of wire::Dialect.
    [[nodiscard]] const QList<QAction*>& dialectActions() const { return dialects_; }
    /// The dialect and keys in use, as the status bar tells them.
    [[nodiscard]] QString decodingText() const { return settings_->text(); }

protected:
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void arrange();
    void connectViews();
    void makeFileMenu();
    void makeViewMenu();
    void makeDecodeMenu(QMenu* menu);
    void makeRunMenu();
    void makeHelpMenu();
    void chooseFile(const QString& title, const QString& filter);
    void chooseSaveName();
    void save(const QString& path);
    bool startScenario(bool run, capture::Backend backend);
    void showDialects();
    void chooseDecoding(wire::Dialect dialect);
    void chooseKeys();
    void setKeys(std::shared_ptr<const wire::EspKeys> keys, const QString& about);
    void applyDecoding();
    void noteEvidence();
    void followFile(bool on);
    void showRemark();
    void showView();
    void showStatus();
    void stepHandover(int by);
    void stepFrame(int by);
    void remember(const QString& path);
    void showRecent();
    void restoreLayout();
    void saveLayout() const;
    void copyAsWireshark(const QString& text);
    void showKeys();
    void showAbout();
    QAction* addTo(QMenu* menu, const QString& text, const QKeySequence& key, std::function<void()> action);

    Services services_;
    Workspace workspace_;
    FilterModel filter_{workspace_};
    lab::Scenario scenario_;  ///< the one opened last, for restarts
    QString scenarioTitle_;
    RunBar* runBar_;
    Banner* banner_;
    QStackedWidget* pages_;
    StartPage* start_ = nullptr;
    TopologyView* topology_;
    TimelineView* timeline_;
    FilterBar* filterBar_;
    PacketList* packets_;
    FramePane* frame_;
    BindingsView* bindings_;
    HandoversView* handovers_;
    FlowsView* flows_;
    LessonView* lesson_;
    QTabWidget* tables_;
    QSplitter* rows_;
    QSplitter* top_;
    QSplitter* bottom_;
    QSplitter* left_;
    QLabel* counts_;
    LoadStrip* load_;
    QLabel* settings_;
    QLabel* message_;
    QMenu* recent_ = nullptr;
    QAction* sample_ = nullptr;
    QAction* open_ = nullptr;
    QAction* openScenario_ = nullptr;
    QAction* save_ = nullptr;
    QAction* copyInside_ = nullptr;
    QAction* runMenu_ = nullptr;
    QAction* follow_ = nullptr;
    QAction* showProperties_ = nullptr;
    QAction* forgetKeys_ = nullptr;
    QList<QAction*> dialects_;
    PropertiesDialog* properties_ = nullptr;
    QString problemShown_;
    QString remarkShown_;
    QString path_;  ///< of the capture file that is open; empty for a lab
    bool following_ = false;
    capture::DecodeSettings decoding_;
    QString keysAbout_;
    std::vector<analysis::DialectEvidence> evidence_;  ///< of the open capture, as the automatic choice found it
};

}  // namespace roamscope::ui
