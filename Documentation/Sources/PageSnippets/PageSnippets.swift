// The Swift code of README.md, Docs, the DocC catalogs and the documentation comments. PagesTests compares the pages with these
// files; this program runs the code with the bundled model:
//
//     swift run -c release --package-path Documentation PageSnippets

import EmojiScenes
import Foundation
import NullTextInversion

/// The bundled model and picture and a folder for results, for the URLs that the pages do not define.
struct Files {
  let modelURL: URL
  let photoURL: URL
  let folder: URL

  init() throws {
    modelURL = try EmojiScenes.folder()
    photoURL = try EmojiScenes.picture("600000000051")
    folder = FileManager.default.temporaryDirectory.appendingPathComponent("snippets-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  }

  /// Creates a benchmark with one record of the bundled benchmark.
  func benchmark() throws -> URL {
    let bundled = try EmojiScenes.benchmark()
    let target = result("benchmark")
    let pictures = target.appendingPathComponent("annotation_images")
    try FileManager.default.createDirectory(at: pictures, withIntermediateDirectories: true)
    let data = try Data(contentsOf: bundled.appendingPathComponent("mapping_file.json"))
    let records = try JSONSerialization.jsonObject(with: data) as? [String: Any]
    let record = records?.first { $0.key == photoURL.deletingPathExtension().lastPathComponent }
    guard let record else { throw CocoaError(.fileReadCorruptFile) }
    try FileManager.default.copyItem(
      at: photoURL, to: pictures.appendingPathComponent(photoURL.lastPathComponent))
    try JSONSerialization.data(withJSONObject: [record.key: record.value])
      .write(to: target.appendingPathComponent("mapping_file.json"))
    return target
  }

  func result(_ name: String) -> URL { folder.appendingPathComponent(name) }
}

@main enum PageSnippets {
  static func main() async throws {
    let files = try Files()
    defer { try? FileManager.default.removeItem(at: files.folder) }

    try await invertAndEdit(files)
    try evaluateUNet(files)
    try await evaluateBenchmark(files)
    try resizeAndCompare(files)
    differentiate()
    try await editDemoPicture()
    try await edit(files)
    try await extend(files)
    tensorSymbols()
    try pictureSymbols(files)
    try coreSymbols(files)
    try await editorSymbols(files)
  }
}
