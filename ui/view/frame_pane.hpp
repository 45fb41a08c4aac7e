// SPDX-License-Identifier: GPL-3.0-or-later
// The selected frame: its tree of fields, what the chosen field means, and its octets; tree and octets are linked both ways.
// A frame is dissected when it is selected, never before.
#pragma once

#include "ui/model/dissection_model.hpp"
#include "ui/model/workspace.hpp"
#include "ui/view/bytes_view.hpp"

#include <QLabel>
#include <QSplitter>
#include <QTabBar>
#include <QTreeView>

#include <map>

namespace roamscope::ui {

class FramePane : public QWidget {
    Q_OBJECT

public:
    explicit FramePane(Workspace& workspace, QWidget* parent = nullptr);

    [[nodiscard]] QTreeView* tree() const { return tree_; }
    [[nodiscard]] BytesView* bytes() const { return bytes_; }
    [[nodiscard]] QLabel* explanation() const { return explanation_; }
    /// Which octets are shown: the frame, or what was reassembled or decrypted from it. Hidden while there is only the frame.
    [[nodiscard]] QTabBar* buffers() const { return buffers_; }
    [[nodiscard]] QSplitter* splitter() const { return splitter_; }
    [[nodiscard]] DissectionModel& model() { return model_; }

    /// What the file says about this frame; hidden when it says nothing.
    [[nodiscard]] QLabel* comments() const { return comments_; }

signals:
    /// Frames with this value are wanted; `both`: besides the filter in force.
    void filterRequested(const QString& text, bool both);
    /// This filter should go to the clipboard in Wireshark's words.
    void copyRequested(const QString& text);

protected:
    void changeEvent(QEvent* event) override;

private:
    void makeMenu();
    [[nodiscard]] QString filterText() const;
    void showFrame();
    void showComments();
    void paintComments();
    void followView();
    void showField(const QModelIndex& index);
    void showOctet(std::size_t offset);
    void showBuffers();
    void showBuffer(int buffer);
    void expandLayers();

    Workspace& workspace_;
    DissectionModel model_;
    QLabel* comments_;
    QTreeView* tree_;
    QLabel* explanation_;
    QTabBar* buffers_;
    BytesView* bytes_;
    Bytes frameBytes_;
    capture::DecodeSettings decoding_;  ///< that the frame is shown with
    std::shared_ptr<const capture::CaptureNotes> notes_;
    QSplitter* splitter_;
    std::map<wire::FieldId, bool> opened_;  ///< layers that someone opened or closed
    bool arranging_ = false;
};

}  // namespace roamscope::ui
