package import Foundation

/// The resources of a module of this package, wherever a build or an installation put them.
///
/// `Bundle.module` is not asked, because it traps when the resources are not there.
package struct PackageResources {
  private let module: String
  private let places: [URL]

  /// - Parameters:
  ///   - module: whose resources are in its folder `Resources`.
  ///   - file: any source file of the module.
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

  /// The folder with the resources.
  ///
  /// - Parameter name: a file that is in it.
  /// - Throws: `InputError(.missing)` with the places looked at.
  package func folder(with name: String) throws -> URL {
    let folder = places.first {
      FileManager.default.fileExists(atPath: $0.appendingPathComponent(name).path)
    }
    guard let folder else {
      throw InputError(
        .missing,
        "The resources of \(module) are not there. Put its folder beside the program as \"\(module)\". Looked in: "
          + "\(places.map(\.path).joined(separator: ", ")).")
    }
    return folder
  }
}
