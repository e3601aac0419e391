package import Foundation

/// The resources of a module of this package, in a build or an installation.
///
/// Does not use `Bundle.module`, because it traps if the resources are missing.
package struct PackageResources {
  private let module: String
  private let places: [URL]

  /// Creates a list of folders to search.
  ///
  /// - Parameters:
  ///   - module: The module whose resources are in its folder `Resources`.
  ///   - file: The path of any source file of the module.
  package init(of module: String, besideSource file: String) {
    self.module = module
    var places: [URL] = []
    if let program = Bundle.main.executableURL?.resolvingSymlinksInPath() {
      let folder = program.deletingLastPathComponent()
      for kind in ["resources", "bundle"] {
        let bundle = "null-text-inversion_\(module).\(kind)/Resources"
        places.append(folder.appendingPathComponent(bundle, isDirectory: true))
      }
      places.append(folder.appendingPathComponent(module, isDirectory: true))
      places.append(folder.appendingPathComponent("../share/nti/\(module)", isDirectory: true).standardized)
    }
    let source = URL(fileURLWithPath: file).deletingLastPathComponent()
    places.append(source.appendingPathComponent("Resources", isDirectory: true))
    self.places = places
  }

  /// Returns the folder of the resources.
  ///
  /// - Parameter name: A file in the folder.
  /// - Throws: `InputError(.missing)` with the list of searched folders.
  package func folder(with name: String) throws -> URL {
    let folder = places.first {
      FileManager.default.fileExists(atPath: $0.appendingPathComponent(name).path)
    }
    guard let folder else {
      throw InputError(
        .missing,
        "The resources of \(module) were not found. Put their folder next to the program as \"\(module)\". Searched in: "
          + "\(places.map(\.path).joined(separator: ", ")).")
    }
    return folder
  }
}
